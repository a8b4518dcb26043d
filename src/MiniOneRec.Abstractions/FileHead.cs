using System.Text.Json;

namespace MiniOneRec;

/// <summary>Compares a file's first bytes with the kind of file that is about to replace it, for <see cref="AtomicFile"/>.</summary>
public static class FileHead
{
    /// <summary>Whether the bytes begin a JSON object that has a key among those that they show in full.</summary>
    /// <param name="head">The first bytes.</param>
    /// <param name="key">A key at the top level; letters of either case.</param>
    public static bool HasKey(ReadOnlyMemory<byte> head, string key) =>
        Walk(head, (ref reader) => reader.TokenType == JsonTokenType.PropertyName
            && string.Equals(reader.GetString(), key, StringComparison.OrdinalIgnoreCase), found: true);

    /// <summary>Whether the bytes begin a JSON object whose values are all arrays.</summary>
    /// <param name="head">The first bytes.</param>
    public static bool HasOnlyArrays(ReadOnlyMemory<byte> head) =>
        Walk(head, (ref reader) => reader.TokenType is not (JsonTokenType.PropertyName or JsonTokenType.StartArray), found: false);

    private delegate bool Look(ref Utf8JsonReader reader);

    /// <summary>Looks at keys and values of the top level until one is found or the bytes end.</summary>
    private static bool Walk(ReadOnlyMemory<byte> head, Look isFound, bool found)
    {
        var bytes = head.Span;
        bytes = bytes.StartsWith("\uFEFF"u8) ? bytes["\uFEFF"u8.Length..] : bytes;
        var reader = new Utf8JsonReader(bytes, isFinalBlock: false,
            new JsonReaderState(new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip }));
        try
        {
            if (!reader.Read() || reader.TokenType != JsonTokenType.StartObject)
            {
                return false;
            }

            while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
            {
                if (isFound(ref reader))
                {
                    return found;
                }

                if (reader.TokenType is JsonTokenType.StartArray or JsonTokenType.StartObject && !reader.TrySkip())
                {
                    break;
                }
            }

            return !found;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }
    }
}
