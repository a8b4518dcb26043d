using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>Names the kinds of value of an <see cref="AttributeValue"/>.</summary>
public enum AttributeKind
{
    /// <summary>A text.</summary>
    Text,

    /// <summary>A number.</summary>
    Number,

    /// <summary>A truth value.</summary>
    Boolean,

    /// <summary>A list of texts.</summary>
    List,
}

/// <summary>One attribute of an item: a text, a number, a truth value or a list of texts; immutable.</summary>
/// <remarks>
/// A closed set of kinds instead of <see cref="object"/> or <see cref="JsonElement"/>: values compare by content, a filter reads a number
/// without parsing or boxing, JSON gives back what was written, and trimming keeps all of it. Numbers are double precision, exact for
/// integers up to 2^53; write longer keys as text. As JSON a value is a string, a number, <see langword="true"/> or
/// <see langword="false"/>, or an array of strings.
/// </remarks>
[JsonConverter(typeof(AttributeValueJsonConverter))]
public readonly struct AttributeValue : IEquatable<AttributeValue>
{
    private readonly object? _reference;
    private readonly double _number;

    private AttributeValue(AttributeKind kind, object? reference, double number) => (Kind, _reference, _number) = (kind, reference, number);

    /// <summary>Makes a text.</summary>
    /// <param name="text">The text.</param>
    public AttributeValue(string text)
        : this(AttributeKind.Text, text ?? throw new ArgumentNullException(nameof(text)), 0)
    {
    }

    /// <summary>Makes a number.</summary>
    /// <param name="number">A finite number.</param>
    /// <exception cref="ArgumentOutOfRangeException">The number is NaN or infinite.</exception>
    public AttributeValue(double number)
        : this(AttributeKind.Number, null, double.IsFinite(number) ? number
            : throw new ArgumentOutOfRangeException(nameof(number), number, "An attribute is a finite number."))
    {
    }

    /// <summary>Makes a truth value.</summary>
    /// <param name="boolean">The truth value.</param>
    public AttributeValue(bool boolean)
        : this(AttributeKind.Boolean, null, boolean ? 1 : 0)
    {
    }

    /// <summary>Makes a list of texts.</summary>
    /// <param name="list">The texts; they are copied.</param>
    /// <exception cref="ArgumentException">A text is <see langword="null"/>.</exception>
    public AttributeValue(IEnumerable<string> list)
        : this(AttributeKind.List, Copy(list), 0)
    {
    }

    /// <summary>Gets what the value holds; <see cref="AttributeKind.Text"/> for <see langword="default"/>, which is the empty
    /// text.</summary>
    public AttributeKind Kind { get; }

    /// <summary>Gets the text, or <see langword="null"/> where the value is of another kind.</summary>
    public string? Text => Kind == AttributeKind.Text ? _reference as string ?? "" : null;

    /// <summary>Gets the number, or <see langword="null"/> where the value is of another kind; a comparison with <see langword="null"/> is
    /// false.</summary>
    public double? Number => Kind == AttributeKind.Number ? _number : null;

    /// <summary>Gets the truth value, or <see langword="null"/> where the value is of another kind.</summary>
    public bool? Boolean => Kind == AttributeKind.Boolean ? _number != 0 : null;

    /// <summary>Gets the texts of a list, or <see langword="null"/> where the value is of another kind.</summary>
    public IReadOnlyList<string>? List => _reference as string[];

    /// <summary>Makes a text.</summary>
    /// <param name="text">The text.</param>
    public static implicit operator AttributeValue(string text) => new(text);

    /// <summary>Makes a number.</summary>
    /// <param name="number">The number.</param>
    public static implicit operator AttributeValue(double number) => new(number);

    /// <summary>Makes a truth value.</summary>
    /// <param name="boolean">The truth value.</param>
    public static implicit operator AttributeValue(bool boolean) => new(boolean);

    /// <summary>Makes a list of texts.</summary>
    /// <param name="list">The texts.</param>
    public static implicit operator AttributeValue(string[] list) => new((IEnumerable<string>)list);

    /// <summary>Returns whether two values are equal.</summary>
    public static bool operator ==(AttributeValue left, AttributeValue right) => left.Equals(right);

    /// <summary>Returns whether two values differ.</summary>
    public static bool operator !=(AttributeValue left, AttributeValue right) => !left.Equals(right);

    /// <inheritdoc/>
    public bool Equals(AttributeValue other) => Kind == other.Kind && Kind switch
    {
        AttributeKind.Text => Text == other.Text,
        AttributeKind.List => List!.SequenceEqual(other.List!, StringComparer.Ordinal),
        _ => _number == other._number,
    };

    /// <inheritdoc/>
    public override bool Equals(object? obj) => obj is AttributeValue other && Equals(other);

    /// <inheritdoc/>
    public override int GetHashCode() => Kind switch
    {
        AttributeKind.Text => Text!.GetHashCode(StringComparison.Ordinal),
        AttributeKind.List => List!.Aggregate(0, HashCode.Combine),
        _ => HashCode.Combine(Kind, _number),
    };

    /// <summary>Writes the value as text: a number in the invariant form, a list with commas.</summary>
    public override string ToString() => Kind switch
    {
        AttributeKind.Text => Text!,
        AttributeKind.Number => _number.ToString("R", CultureInfo.InvariantCulture),
        AttributeKind.Boolean => _number != 0 ? "true" : "false",
        _ => string.Join(", ", List!),
    };

    private static string[] Copy(IEnumerable<string> list)
    {
        ArgumentNullException.ThrowIfNull(list);
        string[] copy = [.. list];
        return Array.IndexOf(copy, null) < 0 ? copy : throw new ArgumentException("A text of the list is null.", nameof(list));
    }
}

/// <summary>Reads and writes <see cref="AttributeValue"/> as a JSON string, number, truth value or array of strings.</summary>
public sealed class AttributeValueJsonConverter : JsonConverter<AttributeValue>
{
    /// <inheritdoc/>
    public override AttributeValue Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.String:
                return new AttributeValue(reader.GetString()!);
            case JsonTokenType.True or JsonTokenType.False:
                return new AttributeValue(reader.GetBoolean());
            case JsonTokenType.Number when reader.TryGetDouble(out double number) && double.IsFinite(number):
                return new AttributeValue(number);
            case JsonTokenType.StartArray:
                var list = new List<string>();
                while (reader.Read() && reader.TokenType == JsonTokenType.String)
                {
                    list.Add(reader.GetString()!);
                }

                return reader.TokenType == JsonTokenType.EndArray ? new AttributeValue(list)
                    : throw new JsonException($"An attribute's list holds {reader.TokenType}; expected strings.");
            default:
                throw new JsonException(
                    $"An attribute is {reader.TokenType}; expected a string, a finite number, true, false or an array of strings.");
        }
    }

    /// <inheritdoc/>
    public override void Write(Utf8JsonWriter writer, AttributeValue value, JsonSerializerOptions options)
    {
        ArgumentNullException.ThrowIfNull(writer);
        switch (value.Kind)
        {
            case AttributeKind.Text:
                writer.WriteStringValue(value.Text);
                break;
            case AttributeKind.Number:
                writer.WriteNumberValue(value.Number!.Value);
                break;
            case AttributeKind.Boolean:
                writer.WriteBooleanValue(value.Boolean!.Value);
                break;
            default:
                writer.WriteStartArray();
                foreach (string text in value.List!)
                {
                    writer.WriteStringValue(text);
                }

                writer.WriteEndArray();
                break;
        }
    }
}
