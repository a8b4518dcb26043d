using System.Text.Json;

namespace MiniOneRec;

// Reading and writing the file of an index.
public sealed partial class SemanticIdIndex
{
    /// <summary>Reads an index in the reference format: item id to list of tokens, <c>{"0": ["&lt;a_236&gt;", "&lt;b_231&gt;"],
    /// …}</c>.</summary>
    /// <param name="path">The <c>.index.json</c> file.</param>
    /// <param name="levelSizes">K of each level; by default the largest code in use plus 1.</param>
    /// <param name="requireUniformDepth">Whether semantic IDs of different depth are an error.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is no index, has an item twice, or would need more codes than <see cref="MaxLevelSize"/> and <see cref="MaxCodes"/> allow;
    /// the message names file, item and what was expected. Broken characters in ids are read as U+FFFD.
    /// </exception>
    public static async Task<SemanticIdIndex> LoadAsync(
        string path, IReadOnlyList<int>? levelSizes = null, bool requireUniformDepth = false, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Index file '{path}' does not exist.", path);
        }

        Dictionary<string, string[]>? raw;
        var stream = File.OpenRead(path);
        await using (stream.ConfigureAwait(false))
        {
            if (stream.Length == 0)
            {
                throw new InvalidDataException($"Index file '{path}' is empty; expected a JSON object of item id to list of tokens.");
            }

            try
            {
                raw = await JsonSerializer.DeserializeAsync<Dictionary<string,
                    string[]>>(JsonText.Repair(stream), StrictJson, cancellationToken).ConfigureAwait(false);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException(
                    $"Index file '{path}', line {e.LineNumber + 1}: expected a JSON object of item id to list of tokens. {e.Message}", e);
            }
        }

        if (raw is null or { Count: 0 })
        {
            throw new InvalidDataException($"Index file '{path}' holds no items; expected a JSON object of item id to list of tokens.");
        }

        var entries = new List<KeyValuePair<string, SemanticId>>(raw.Count);
        foreach (var (item, tokens) in raw)
        {
            string text = tokens is null ? "" : string.Concat(tokens);
            if (!SemanticId.TryParse(text, out var id) || id.Depth != tokens!.Length)
            {
                throw new InvalidDataException(
                    $"Index file '{path}', item '{item}': '{text}' is no semantic ID; expected tokens such as <a_12><b_7><c_240>.");
            }

            if (requireUniformDepth && entries.Count > 0 && entries[0].Value.Depth != id.Depth)
            {
                throw new InvalidDataException(
                    $"Index file '{path}', item '{item}': depth {id.Depth}, "
                    + $"but item '{entries[0].Key}' has depth {entries[0].Value.Depth}; expected one depth.");
            }

            entries.Add(new(item, id));
        }

        try
        {
            return new SemanticIdIndex(entries, levelSizes);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"Index file '{path}': {e.Message}", e);
        }
    }

    /// <summary>Writes the index in the reference format; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The <c>.index.json</c> file.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    /// <exception cref="IOException">A file that is no index exists; it stays.</exception>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        SaveAsync(path, overwrite: false, cancellationToken);

    /// <summary>Writes the index in the reference format; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The <c>.index.json</c> file.</param>
    /// <param name="overwrite">Whether a file that is no index is replaced.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    public Task SaveAsync(string path, bool overwrite, CancellationToken cancellationToken = default) => AtomicFile.WriteAsync(
        path,
        async stream =>
        {
            var writer = new Utf8JsonWriter(stream,
                new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            await using (writer.ConfigureAwait(false))
            {
                writer.WriteStartObject();
                for (int row = 0; row < _items.Length; row++)
                {
                    writer.WriteStartArray(_items[row]);
                    for (int level = 0; level < _semanticIds[row].Depth; level++)
                    {
                        writer.WriteStringValue(SemanticId.TokenText(level, _semanticIds[row][level]));
                    }

                    writer.WriteEndArray();
                    if (row % 4096 == 0)
                    {
                        await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
                    }
                }

                writer.WriteEndObject();
            }
        },
        FileHead.HasOnlyArrays,
        overwrite,
        cancellationToken);

    private static JsonSerializerOptions StrictJson { get; } = new()
    {
        AllowDuplicateProperties = false, TypeInfoResolver = MiniOneRecJsonContext.WithReflection(MiniOneRecJsonContext.Default),
    };
}
