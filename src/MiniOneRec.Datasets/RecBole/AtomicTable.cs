using System.Runtime.CompilerServices;

namespace MiniOneRec.Datasets;

/// <summary>One line of an atomic file.</summary>
/// <param name="Line">The one-based line of the file.</param>
/// <param name="Header">The columns.</param>
/// <param name="Cells">As many cells as columns.</param>
internal readonly record struct AtomicRow(long Line, AtomicHeader Header, string[] Cells);

/// <summary>The first line of an atomic file: <c>name:type</c> per column, in any order.</summary>
/// <remarks>A column that is used has its usual type or none; the types of others do not matter.</remarks>
internal sealed class AtomicHeader
{
    public const string Token = "token", TokenSequence = "token_seq", Float = "float";

    private readonly string _path, _text;
    private readonly long _line;
    private readonly Dictionary<string, int> _places = new(StringComparer.Ordinal);
    private readonly List<(string Name, string Type)> _columns = [];

    public AtomicHeader(string path, long line, string text)
    {
        (_path, _line, _text) = (path, line, text);
        foreach (string cell in text.Split('\t'))
        {
            int colon = cell.LastIndexOf(':');
            var (name, type) = colon < 0 ? (cell.Trim(), "") : (cell[..colon].Trim(), cell[(colon + 1)..].Trim());
            if (!_places.TryAdd(name, _columns.Count))
            {
                throw DataFile.Bad(path, line, name, $"the header {DataFile.Show(text)} has it twice; expected each column once.");
            }

            _columns.Add((name, type));
        }
    }

    /// <summary>Gets names and types in the order of the file.</summary>
    public IReadOnlyList<(string Name, string Type)> Columns => _columns;

    public bool Has(string name) => _places.ContainsKey(name);

    /// <summary>The place of a column of some types, or −1 where the file has none of that name.</summary>
    public int Find(string name, params ReadOnlySpan<string> types)
    {
        int place = _places.GetValueOrDefault(name, -1);
        return place < 0 || _columns[place].Type.Length == 0 || types.Contains(_columns[place].Type) ? place
            : throw DataFile.Bad(_path, _line, name,
                $"the header has the type '{_columns[place].Type}'; expected '{string.Join("' or '", types.ToArray())}'.");
    }

    /// <summary>The place of a column that must be there.</summary>
    public int Require(string name, string type, string expected) => Find(name, type) is >= 0 and var place ? place
        : throw DataFile.Bad(_path, _line, $"{name}:{type}", $"the header {DataFile.Show(_text)} lacks it; expected {expected}.");
}

/// <summary>Streams the rows of RecBole's atomic files: a typed header, then tab-separated cells.</summary>
internal static class AtomicTable
{
    /// <summary>Reads rows; <paramref name="start"/> is given the header before the first of them.</summary>
    public static async IAsyncEnumerable<AtomicRow> ReadAsync(
        string path, string what, string expected, ReadLimits? limits, Action<AtomicHeader> start,
        [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        AtomicHeader? header = null;
        await foreach (var (line, text) in DataFile.ReadLinesAsync(path, what, expected, limits ?? ReadLimits.Default, cancellationToken)
            .ConfigureAwait(false))
        {
            if (header is null)
            {
                header = new AtomicHeader(path, line, text);
                start(header);
                continue;
            }

            string[] cells = text.Split('\t');
            yield return cells.Length == header.Columns.Count ? new AtomicRow(line, header, cells)
                : throw DataFile.Bad(path, line, null,
                    $"{cells.Length} tab-separated cells; expected {header.Columns.Count} as in the header.");
        }
    }
}
