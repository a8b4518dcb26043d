using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Text;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>A path of codes from the root of the catalogue's tree to an item, for example
/// <c>&lt;a_12&gt;&lt;b_7&gt;&lt;c_240&gt;</c>.</summary>
/// <remarks>
/// TIGER (arXiv:2305.05065), section 3.1. Codes are integers, zero-based, coarse to fine; any depth from 1 to 26 is a value. Text
/// appears only at the border of files and prompts, where level <c>l</c> is written with the <c>l</c>-th letter of the alphabet.
/// </remarks>
[JsonConverter(typeof(SemanticIdJsonConverter))]
public sealed class SemanticId : IEquatable<SemanticId>, IComparable<SemanticId>
{
    /// <summary>The deepest path that can be written with one letter per level.</summary>
    public const int MaxDepth = 26;

    private readonly int[] _codes;

    /// <summary>Makes a semantic ID of its codes.</summary>
    /// <param name="codes">One code per level, each at least 0; 1 to 26 of them.</param>
    /// <exception cref="ArgumentException">There are no codes or too many, or one is negative.</exception>
    public SemanticId(params ReadOnlySpan<int> codes)
    {
        if (codes.Length is 0 or > MaxDepth)
        {
            throw new ArgumentException($"A semantic ID has 1 to {MaxDepth} codes, not {codes.Length}.", nameof(codes));
        }

        foreach (int code in codes)
        {
            if (code < 0)
            {
                throw new ArgumentException($"A code is at least 0, not {code}.", nameof(codes));
            }
        }

        _codes = codes.ToArray();
    }

    /// <summary>Gets the codes, coarse to fine.</summary>
    public ReadOnlySpan<int> Codes => _codes;

    /// <summary>Gets the number of codes.</summary>
    public int Depth => _codes.Length;

    /// <summary>Gets the code at a level.</summary>
    /// <param name="level">The level, zero-based.</param>
    public int this[int level] => _codes[level];

    /// <summary>Gets the token text of one code, for example <c>&lt;b_7&gt;</c>.</summary>
    /// <param name="level">The level, 0 to 25.</param>
    /// <param name="code">The code, at least 0.</param>
    public static string TokenText(int level, int code)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(code);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)level, (uint)MaxDepth, nameof(level));
        return string.Create(CultureInfo.InvariantCulture, $"<{(char)('a' + level)}_{code}>");
    }

    /// <summary>Reads a semantic ID from its text.</summary>
    /// <param name="text">Tokens without separators, levels in order from <c>a</c>.</param>
    /// <exception cref="FormatException">The text is no semantic ID; the message shows it.</exception>
    public static SemanticId Parse(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return TryParse(text, out var id) ? id
            : throw new FormatException($"'{text}' is no semantic ID; expected tokens such as <a_12><b_7><c_240>.");
    }

    /// <summary>Reads a semantic ID from its text, if it is one.</summary>
    /// <param name="text">Tokens without separators, levels in order from <c>a</c>.</param>
    /// <param name="id">The semantic ID, where the result is <see langword="true"/>.</param>
    public static bool TryParse(ReadOnlySpan<char> text, [NotNullWhen(true)] out SemanticId? id)
    {
        id = null;
        Span<int> codes = stackalloc int[MaxDepth];
        int depth = 0;
        while (!text.IsEmpty)
        {
            int end = text.IndexOf('>');
            if (depth == MaxDepth || end < 4 || text[0] != '<' || text[1] != 'a' + depth || text[2] != '_'
                || !int.TryParse(text[3..end], NumberStyles.None, CultureInfo.InvariantCulture, out codes[depth]))
            {
                return false;
            }

            depth++;
            text = text[(end + 1)..];
        }

        if (depth == 0)
        {
            return false;
        }

        id = new SemanticId(codes[..depth]);
        return true;
    }

    /// <inheritdoc/>
    public override string ToString()
    {
        var text = new StringBuilder(_codes.Length * 7);
        for (int level = 0; level < _codes.Length; level++)
        {
            text.Append('<').Append((char)('a' + level)).Append('_').Append(CultureInfo.InvariantCulture, $"{_codes[level]}").Append('>');
        }

        return text.ToString();
    }

    /// <inheritdoc/>
    public bool Equals(SemanticId? other) => other is not null && _codes.AsSpan().SequenceEqual(other._codes);

    /// <inheritdoc/>
    public override bool Equals(object? obj) => Equals(obj as SemanticId);

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = new HashCode();
        foreach (int code in _codes)
        {
            hash.Add(code);
        }

        return hash.ToHashCode();
    }

    /// <summary>Compares code by code; a prefix comes before its extensions.</summary>
    /// <param name="other">The other semantic ID.</param>
    public int CompareTo(SemanticId? other) => other is null ? 1 : _codes.AsSpan().SequenceCompareTo(other._codes);

    /// <summary>Returns whether two semantic IDs have the same codes.</summary>
    public static bool operator ==(SemanticId? left, SemanticId? right) => left?.Equals(right) ?? right is null;

    /// <summary>Returns whether two semantic IDs differ.</summary>
    public static bool operator !=(SemanticId? left, SemanticId? right) => !(left == right);

    /// <summary>Returns whether one semantic ID comes before the other.</summary>
    public static bool operator <(SemanticId? left, SemanticId? right) => left is null ? right is not null : left.CompareTo(right) < 0;

    /// <summary>Returns whether one semantic ID comes before or equals the other.</summary>
    public static bool operator <=(SemanticId? left, SemanticId? right) => left is null || left.CompareTo(right) <= 0;

    /// <summary>Returns whether one semantic ID comes after the other.</summary>
    public static bool operator >(SemanticId? left, SemanticId? right) => !(left <= right);

    /// <summary>Returns whether one semantic ID comes after or equals the other.</summary>
    public static bool operator >=(SemanticId? left, SemanticId? right) => !(left < right);
}
