using System.Runtime.CompilerServices;
using System.Text.Json;

namespace MiniOneRec.Datasets;

/// <summary>One member of a JSON object.</summary>
/// <param name="Name">The key.</param>
/// <param name="Value">The value.</param>
/// <param name="Line">The one-based line on which the key stands.</param>
internal readonly record struct JsonMember(string Name, JsonElement Value, long Line);

/// <summary>Streams the members of one large JSON object, so that a file need not fit into memory twice.</summary>
/// <remarks>Broken characters are read as U+FFFD; a key that comes twice, at any depth, is an error.</remarks>
internal static class JsonObjectStream
{
    public static async IAsyncEnumerable<JsonMember> ReadAsync(
        string path, string what, string expected, ReadLimits limits,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var stream = JsonText.Repair(DataFile.Open(path, what, expected, limits));
        await using (stream.ConfigureAwait(false))
        {
            var parser = new Parser(path, what, expected, limits);
            byte[] buffer = new byte[1 << 16];
            var members = new List<JsonMember>();
            var lines = new Dictionary<string, long>(StringComparer.Ordinal);
            int filled = 0, read;
            do
            {
                if (filled == buffer.Length)
                {
                    if (filled > limits.MaxValueLength)
                    {
                        throw DataFile.TooLong(path, parser.Line, "the value", limits);
                    }

                    Array.Resize(ref buffer, (int)Math.Min(buffer.Length * 2L, limits.MaxValueLength + (1L << 16)));
                }

                // Full buffers, because a value that is not all here is parsed again from its start.
                read = await stream.ReadAtLeastAsync(buffer.AsMemory(filled), buffer.Length - filled, throwOnEndOfStream: false,
                    cancellationToken).ConfigureAwait(false);
                filled += read;
                int consumed = parser.Parse(buffer.AsSpan(0, filled), isFinal: read == 0, members);
                buffer.AsSpan(consumed, filled - consumed).CopyTo(buffer);
                filled -= consumed;
                foreach (var member in members)
                {
                    if (!lines.TryAdd(member.Name, member.Line))
                    {
                        throw DataFile.Bad(path, member.Line, member.Name,
                            $"the key was already on line {lines[member.Name]}; expected each key once.");
                    }

                    yield return member;
                }

                members.Clear();
            }
            while (read > 0);

            if (lines.Count == 0)
            {
                throw new InvalidDataException($"{what} '{path}' holds an empty object; expected {expected}.");
            }
        }
    }

    /// <summary>What carries over from one buffer to the next.</summary>
    private sealed class Parser(string path, string what, string expected, ReadLimits limits)
    {
        private static readonly JsonDocumentOptions NoDuplicates = new() { AllowDuplicateProperties = false };

        private JsonReaderState _state = new(new JsonReaderOptions { CommentHandling = JsonCommentHandling.Disallow });
        private long _line = 1;
        private bool _started, _ended;

        public long Line => _line;

        /// <summary>Takes the complete members of a buffer and returns how many bytes they were.</summary>
        public int Parse(ReadOnlySpan<byte> data, bool isFinal, List<JsonMember> members)
        {
            int consumed = _started || !data.StartsWith("\uFEFF"u8) ? 0 : 3;
            try
            {
                while (TryReadMember(data, isFinal, ref consumed, members))
                {
                }
            }
            catch (JsonException e)
            {
                throw new InvalidDataException($"{what} '{path}', line {e.LineNumber + 1}: expected {expected}. {e.Message}", e);
            }

            return consumed;
        }

        private bool TryReadMember(ReadOnlySpan<byte> data, bool isFinal, ref int consumed, List<JsonMember> members)
        {
            var rest = data[consumed..];
            var reader = new Utf8JsonReader(rest, isFinal, _state);
            if (!reader.Read())
            {
                return false;
            }

            if (!_started)
            {
                _started = reader.TokenType == JsonTokenType.StartObject
                    ? true
                    : throw new InvalidDataException(
                        $"{what} '{path}', line {_line}: the file starts with {reader.TokenType}; expected {expected}.");
            }
            else if (reader.TokenType == JsonTokenType.EndObject)
            {
                _ended = true;
            }
            else if (!_ended)
            {
                string name = reader.GetString()!;
                long line = _line + rest[..(int)reader.TokenStartIndex].Count((byte)'\n');
                if (!reader.Read())
                {
                    return false;       // not all here yet: read on and try again
                }

                int start = (int)reader.TokenStartIndex;
                if (!reader.TrySkip())
                {
                    return false;
                }

                members.Add(new JsonMember(name, Value(name, line, rest[start..(int)reader.BytesConsumed]), line));
            }

            _state = reader.CurrentState;
            _line += rest[..(int)reader.BytesConsumed].Count((byte)'\n');
            consumed += (int)reader.BytesConsumed;
            return true;
        }

        private JsonElement Value(string name, long line, ReadOnlySpan<byte> json)
        {
            if (json.Length > limits.MaxValueLength)
            {
                throw DataFile.TooLong(path, line, $"the value of {DataFile.Show(name)}", limits);
            }

            try
            {
                return JsonElement.Parse(json, NoDuplicates);
            }
            catch (JsonException e)
            {
                throw DataFile.Bad(path, line, name, e.Message, e);
            }
        }
    }
}
