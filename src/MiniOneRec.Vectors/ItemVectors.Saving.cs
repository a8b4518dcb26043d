using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Vectors;

public sealed partial class ItemVectors
{
    internal const string Kind = "item-vectors";
    private const string ManifestFile = "manifest.json";
    private const string ItemsFile = "items.json";
    private const string FingerprintKey = "vectors";

    /// <summary>
    /// Writes a folder: a NumPy array <c>NAME.npy</c> per source, the item ids with the missing rows, and a manifest with hashes and the
    /// fingerprint.
    /// </summary>
    /// <param name="folder">The folder to make or replace; an earlier one stays whole until the new one is complete.</param>
    /// <param name="overwrite">Whether a folder of another kind is replaced.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder cannot be written, or holds something else.</exception>
    public Task SaveAsync(string folder, bool overwrite = false, CancellationToken cancellationToken = default) => ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        Kind,
        async aside =>
        {
            foreach (var source in _sources)
            {
                await NpyFile.WriteAsync(
                    Path.Combine(aside, FileOf(source.Name)), source.Count, source.Width, source.Values, overwrite: true, cancellationToken)
                    .ConfigureAwait(false);
            }

            var content = new ItemVectorsContent(
                [.. ItemIds],
                [.. _sources.Select(source => new ItemVectorsContent.Source(
                    source.Name, source.Width, [.. Enumerable.Range(0, source.Count).Where(row => !source.Has(row))]))]);
            await AtomicFile.WriteAsync(
                Path.Combine(aside, ItemsFile),
                stream =>
                JsonSerializer.SerializeAsync(stream, content, ItemVectorsJsonContext.Default.ItemVectorsContent, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            return new ArtifactManifest { Kind = Kind, MadeFrom = new Dictionary<string, string> { [FingerprintKey] = Fingerprint } };
        },
        overwrite,
        cancellationToken);

    /// <summary>Reads what <see cref="SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged, was changed after it was saved, or does not fit the others; the message names it.
    /// </exception>
    public static Task<ItemVectors> LoadAsync(string folder, CancellationToken cancellationToken = default) =>
        ArtifactFolder.LoadAsync(folder, ManifestFile, Kind, (_, at) => ReadAsync(at, cancellationToken), cancellationToken);

    private static async Task<ItemVectors> ReadAsync(string folder, CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, ItemsFile);
        try
        {
            var content = JsonSerializer.Deserialize(
                await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false),
                ItemVectorsJsonContext.Default.ItemVectorsContent);
            if (content is not { Items: not null, Sources.Length: > 0 }
                || content.Sources.Any(source => source?.Name is null || source.Missing is null))
            {
                throw new InvalidDataException(
                    $"'{path}' must hold 'items' and 'sources', each source with 'name', 'width' and 'missing'.");
            }

            var rows = new ItemRows(content.Items);
            var sources = new List<VectorSource>();
            foreach (var source in content.Sources)
            {
                VectorSource.CheckName(source.Name);            // it becomes a file's name
                sources.Add(await ReadAsync(folder, path, source, rows, cancellationToken).ConfigureAwait(false));
            }

            return new ItemVectors(sources);
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    private static async Task<VectorSource> ReadAsync(
        string folder, string path, ItemVectorsContent.Source source, ItemRows rows, CancellationToken cancellationToken)
    {
        string file = Path.Combine(folder, FileOf(source.Name));
        var (count, width, values) = await NpyFile.ReadAsync(file, cancellationToken).ConfigureAwait(false);
        if (count != rows.Ids.Count || width != source.Width)
        {
            throw new InvalidDataException(
                $"Embedding file '{file}' has shape [{count}, {width}]; '{path}' says [{rows.Ids.Count}, {source.Width}].");
        }

        bool[] present = new bool[count];
        present.AsSpan().Fill(true);
        foreach (int row in source.Missing)
        {
            if ((uint)row >= (uint)count)
            {
                throw new InvalidDataException($"'{path}', source '{source.Name}': the missing row {row} is not one of {count}.");
            }

            present[row] = false;
        }

        return new VectorSource(source.Name, rows, width, values, present);
    }

    private static string FileOf(string source) => source + ".npy";
}

/// <summary>The content of <c>items.json</c>.</summary>
internal sealed record ItemVectorsContent(string[] Items, ItemVectorsContent.Source[] Sources)
{
    internal sealed record Source(string Name, int Width, int[] Missing);
}

[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(ItemVectorsContent))]
internal sealed partial class ItemVectorsJsonContext : JsonSerializerContext;
