using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;
using MiniOneRec.Vectors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines;

/// <summary>What a counted baseline consists of beside its options.</summary>
internal sealed record CountedContent(ItemCatalogue Catalogue, ItemGraph? Graph = null, VectorSource? Vectors = null);

/// <summary>What a counted baseline has beside its catalogue.</summary>
[Flags]
internal enum CountedParts
{
    None = 0,
    Graph = 1,
    Vectors = 2,
}

/// <summary>
/// A counted baseline as a folder: manifest with the options, the catalogue with its counts, and graph and vectors where it has them.
/// </summary>
internal static class CountedFolder
{
    private const string VectorsFile = "vectors.safetensors";
    private const string ManifestFile = "minionerec.json";
    private const string CatalogueFile = "items.json";
    private const string GraphFile = "graph.safetensors";

    public static Task SaveAsync(
        string folder, string kind, CountedContent content, JsonObject options, long dropped, CancellationToken cancellationToken) =>
        ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        kind,
        async aside =>
        {
            string items = Path.Combine(aside, CatalogueFile);
            var entries = new Entries(content.Catalogue.Items, content.Catalogue.Counts);
            await AtomicFile.WriteAsync(
                items, stream => JsonSerializer.SerializeAsync(stream, entries, JsonSerializerOptions.Web, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            if (content.Graph is { } graph)
            {
                await WriteAsync(
                    Path.Combine(aside, GraphFile),
                    () => [("start", tensor(graph.Start)), ("target", tensor(graph.Target)), ("weight", tensor(graph.Weight))],
                    cancellationToken).ConfigureAwait(false);
            }

            if (content.Vectors is { } vectors)
            {
                byte[] present = [.. Enumerable.Range(0, vectors.Count).Select(row => (byte)(vectors.Has(row) ? 1 : 0))];
                await WriteAsync(
                    Path.Combine(aside, VectorsFile),
                    () => [("values", tensor(vectors.Values.ToArray(), [vectors.Count, vectors.Width])), ("present", tensor(present))],
                    cancellationToken).ConfigureAwait(false);
            }

            options["droppedInteractions"] = dropped;
            return new ArtifactManifest { Kind = kind, Options = options };
        },
        cancellationToken: cancellationToken);

    /// <summary>Reads a folder with a graph, vectors or both.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="kind">The kind that the manifest must name.</param>
    /// <param name="parts">What it must have.</param>
    /// <param name="create">Makes the recommender; validates the options.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or not the one that was saved with the others.</exception>
    public static Task<TRecommender> LoadAsync<TOptions, TRecommender>(
        string folder, string kind, CountedParts parts, Func<CountedContent, TOptions, TRecommender> create,
        CancellationToken cancellationToken)
        where TRecommender : ScoringRecommender => LoadAsync(folder, kind, async (manifest, at) =>
    {
        var catalogue = await CatalogueAsync(at, manifest, cancellationToken).ConfigureAwait(false);
        var content = new CountedContent(catalogue);
        if (parts.HasFlag(CountedParts.Graph))
        {
            string path = await CheckedAsync(at, GraphFile, manifest, cancellationToken).ConfigureAwait(false);
            content = content with { Graph = await TorchThread.RunAsync("MiniOneRec load", () => ReadGraph(path, catalogue.Count))
                .ConfigureAwait(false) };
        }

        if (parts.HasFlag(CountedParts.Vectors))
        {
            string path = await CheckedAsync(at, VectorsFile, manifest, cancellationToken).ConfigureAwait(false);
            content = content with { Vectors = await TorchThread.RunAsync("MiniOneRec load", () => ReadVectors(path, catalogue))
                .ConfigureAwait(false) };
        }

        try
        {
            var recommender = create(content, manifest.OptionsAs<TOptions>());
            recommender.DroppedInteractions = manifest.OptionsAs<Settings>().DroppedInteractions;
            return recommender;
        }
        catch (OptionsValidationException e)
        {
            throw new InvalidDataException($"Manifest '{Path.Combine(at, ManifestFile)}': {e.Message}", e);
        }
    }, cancellationToken);

    /// <summary>Reads the catalogue of a folder, and its manifest.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or not the one that was saved with the others.</exception>
    public static Task<(ItemCatalogue Catalogue, ArtifactManifest Manifest)> LoadAsync(string folder, string kind,
        CancellationToken cancellationToken) => LoadAsync(
        folder, kind, async (manifest, at) => (await CatalogueAsync(at, manifest, cancellationToken).ConfigureAwait(false), manifest),
        cancellationToken);

    private static Task<T> LoadAsync<T>(string folder, string kind, Func<ArtifactManifest, string, Task<T>> read,
        CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.Exists(folder)
            ? ArtifactFolder.LoadAsync(folder, ManifestFile, kind, read, cancellationToken)
            : throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
    }

    private static async Task<ItemCatalogue> CatalogueAsync(string folder, ArtifactManifest manifest, CancellationToken cancellationToken)
    {
        string path = await CheckedAsync(folder, CatalogueFile, manifest, cancellationToken).ConfigureAwait(false);
        try
        {
            var entries = JsonSerializer.Deserialize<Entries>(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false),
                JsonSerializerOptions.Web);
            return entries is { Items.Length: > 0, Counts: not null } && entries.Counts.Length == entries.Items.Length
                && !entries.Items.Contains(null!)
                ? new ItemCatalogue(entries.Items, entries.Counts)
                : throw new InvalidDataException($"'{path}' must hold as many 'counts' as 'items', at least one.");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    private static async Task<string> CheckedAsync(
        string folder, string name, ArtifactManifest manifest, CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, name);
        await OldHashes.CheckFileAsync(manifest, name, path, cancellationToken).ConfigureAwait(false);
        return path;
    }

    private static Task WriteAsync(string path, Func<(string, Tensor)[]> tensors, CancellationToken cancellationToken) =>
        TorchThread.RunAsync("MiniOneRec save", () =>
        {
            using var scope = NewDisposeScope();
            using var stream = File.Create(path);
            SafetensorsFile.Write(stream, tensors(), cancellationToken: cancellationToken);
            return true;
        });

    private static ItemGraph ReadGraph(string path, int count) => Read(path, stored => new ItemGraph(
        count,
        Values<int>(stored, "start", ScalarType.Int32, path),
        Values<int>(stored, "target", ScalarType.Int32, path),
        Values<double>(stored, "weight", ScalarType.Float64, path)));

    private static VectorSource ReadVectors(string path, ItemCatalogue catalogue) => Read(path, stored =>
    {
        float[] values = Values<float>(stored, "values", ScalarType.Float32, path, dimensions: 2);
        byte[] present = Values<byte>(stored, "present", ScalarType.Byte, path);
        return values.Length > 0 && values.Length % catalogue.Count == 0
            ? new VectorSource("text", catalogue.Items, values.Length / catalogue.Count, values, [.. present.Select(mark => mark == 1)])
            : throw new InvalidDataException(
                $"'{path}': key 'values' has {values.Length} numbers; expected some for each of {catalogue.Count} items.");
    });

    private static T Read<T>(string path, Func<Dictionary<string, Tensor>, T> read)
    {
        var stored = SafetensorsFile.Load(path);
        try
        {
            return read(stored);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
        finally
        {
            foreach (var value in stored.Values)
            {
                value.Dispose();
            }
        }
    }

    private static T[] Values<T>(Dictionary<string, Tensor> stored, string key, ScalarType type, string path, int dimensions = 1)
        where T : unmanaged
    {
        if (!stored.TryGetValue(key, out var value) || value.dtype != type || value.dim() != dimensions)
        {
            string found = value is null ? "is missing" : $"is {value.dtype} of shape [{string.Join(", ", value.shape)}]";
            throw new InvalidDataException(
                $"'{path}': key '{key}' {found}; expected {(dimensions == 1 ? "a row" : "a matrix")} of {type}.");
        }

        return value.numel() == 0 ? [] : MemoryMarshal.Cast<byte, T>(value.bytes).ToArray();
    }

    /// <summary>What every counted baseline's manifest holds beside its options.</summary>
    internal sealed record Settings(long DroppedInteractions = 0);

    private sealed record Entries(string[] Items, long[] Counts);
}
