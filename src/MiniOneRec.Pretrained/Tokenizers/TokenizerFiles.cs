using System.Text.Encodings.Web;
using System.Text.Json;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;

namespace MiniOneRec.Pretrained;

/// <summary>Reads and writes the files of a tokenizer.</summary>
internal static class TokenizerFiles
{
    public const string Tokenizer = HuggingFaceFolder.TokenizerFile;

    /// <summary>Files above this many bytes are refused.</summary>
    private const long MaxBytes = 256 << 20;

    /// <summary>Reads the bytes of a <c>tokenizer.json</c>.</summary>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is larger than tokenizers are.</exception>
    public static async Task<byte[]> ReadAsync(string path, CancellationToken cancellationToken)
    {
        return !File.Exists(path)
            ? throw new FileNotFoundException($"Tokenizer file '{path}' does not exist.", path)
            : FileSize.Of(path) is var length && length <= MaxBytes
                ? await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false)
                : throw new InvalidDataException($"'{path}' is {length} bytes long; tokenizers end at {MaxBytes}.");
    }

    /// <summary>Writes both files: everything as it was read, with the added tokens of now.</summary>
    public static async Task WriteAsync(string folder, byte[] json, IReadOnlyList<AddedToken> added, TokenizerSettings settings,
        CancellationToken cancellationToken)
    {
        await AtomicFile.WriteAsync(
            Path.Combine(folder, Tokenizer),
            stream =>
            {
                using var document = JsonDocument.Parse(json);
                using var writer = new Utf8JsonWriter(
                    stream, new JsonWriterOptions { Indented = true, Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
                Write(writer, document.RootElement, added);
                return Task.CompletedTask;
            },
            cancellationToken).ConfigureAwait(false);
        await CheckpointJson.WriteAsync(Path.Combine(folder, TokenizerSettings.ConfigFile), settings.ToJson(), cancellationToken)
            .ConfigureAwait(false);
    }

    private static void Write(Utf8JsonWriter writer, JsonElement root, IReadOnlyList<AddedToken> added)
    {
        writer.WriteStartObject();
        bool written = false;
        foreach (var property in root.EnumerateObject())
        {
            if (property.NameEquals("added_tokens"))
            {
                WriteAdded(writer, added);
                written = true;
            }
            else
            {
                property.WriteTo(writer);
            }
        }

        if (!written)
        {
            WriteAdded(writer, added);
        }

        writer.WriteEndObject();
    }

    private static void WriteAdded(Utf8JsonWriter writer, IReadOnlyList<AddedToken> added)
    {
        writer.WriteStartArray("added_tokens");
        foreach (var token in added.OrderBy(token => token.Id))
        {
            writer.WriteStartObject();
            writer.WriteNumber("id", token.Id);
            writer.WriteString("content", token.Content);
            writer.WriteBoolean("single_word", token.SingleWord);
            writer.WriteBoolean("lstrip", token.LeftStrip);
            writer.WriteBoolean("rstrip", token.RightStrip);
            writer.WriteBoolean("normalized", token.Normalized);
            writer.WriteBoolean("special", token.Special);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
