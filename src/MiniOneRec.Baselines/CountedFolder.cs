using System.Runtime.InteropServices;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines;

/// <summary>A counted baseline as a folder: manifest with the options, the catalogue with its counts, and the graph where it has one.</summary>
internal static class CountedFolder
{
    private const string ManifestFile = "minionerec.json";
    private const string CatalogueFile = "items.json";
    private const string GraphFile = "graph.safetensors";

    public static Task SaveAsync(
        string folder, string kind, ItemCatalogue catalogue, ItemGraph? graph, JsonObject options, long dropped, CancellationToken cancellationToken) => ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        kind,
        async aside =>
        {
            string items = Path.Combine(aside, CatalogueFile);
            var entries = new Entries(catalogue.Items, catalogue.Counts);
            await AtomicFile.WriteAsync(
                items, stream => JsonSerializer.SerializeAsync(stream, entries, JsonSerializerOptions.Web, cancellationToken), cancellationToken).ConfigureAwait(false);
            if (graph is not null)
            {
                string path = Path.Combine(aside, GraphFile);
                await TorchThread.RunAsync("MiniOneRec save", () =>
                {
                    using var scope = NewDisposeScope();
                    using var stream = File.Create(path);
                    SafetensorsFile.Write(stream, [("start", tensor(graph.Start)), ("target", tensor(graph.Target)), ("weight", tensor(graph.Weight))], cancellationToken: cancellationToken);
                    return true;
                }).ConfigureAwait(false);
            }

            options["droppedInteractions"] = dropped;
            return new ArtifactManifest { Kind = kind, Options = options };
        },
        cancellationToken: cancellationToken);

    /// <summary>Reads a folder with a graph.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="kind">The kind that the manifest must name.</param>
    /// <param name="create">Makes the recommender; validates the options.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or not the one that was saved with the others.</exception>
    public static Task<TRecommender> LoadGraphAsync<TOptions, TRecommender>(
        string folder, string kind, Func<ItemCatalogue, ItemGraph, TOptions, TRecommender> create, CancellationToken cancellationToken)
        where TRecommender : ScoringRecommender => LoadAsync(folder, kind, async (manifest, at) =>
    {
        var catalogue = await CatalogueAsync(at, manifest, cancellationToken).ConfigureAwait(false);
        string path = await CheckedAsync(at, GraphFile, manifest, cancellationToken).ConfigureAwait(false);
        var graph = await TorchThread.RunAsync("MiniOneRec load", () => Read(path, catalogue.Count)).ConfigureAwait(false);
        try
        {
            var recommender = create(catalogue, graph, manifest.OptionsAs<TOptions>());
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
    public static Task<(ItemCatalogue Catalogue, ArtifactManifest Manifest)> LoadAsync(string folder, string kind, CancellationToken cancellationToken) => LoadAsync(
        folder, kind, async (manifest, at) => (await CatalogueAsync(at, manifest, cancellationToken).ConfigureAwait(false), manifest), cancellationToken);

    private static Task<T> LoadAsync<T>(string folder, string kind, Func<ArtifactManifest, string, Task<T>> read, CancellationToken cancellationToken)
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
            var entries = JsonSerializer.Deserialize<Entries>(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), JsonSerializerOptions.Web);
            return entries is { Items.Length: > 0, Counts: not null } && entries.Counts.Length == entries.Items.Length && !entries.Items.Contains(null!)
                ? new ItemCatalogue(entries.Items, entries.Counts)
                : throw new InvalidDataException($"'{path}' must hold as many 'counts' as 'items', at least one.");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    // Manifests of version 0.1 have the hashes elsewhere and list no files.
    private static async Task<string> CheckedAsync(string folder, string name, ArtifactManifest manifest, CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, name);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"'{path}' does not exist.", path);
        }

        return manifest.Files.Count > 0 || await ArtifactManifest.HashFileAsync(path, cancellationToken).ConfigureAwait(false) == manifest.MadeFrom.GetValueOrDefault(name)
            ? path
            : throw new InvalidDataException($"'{path}' is not the file that its manifest was written for; its SHA-256 differs.");
    }

    private static ItemGraph Read(string path, int count)
    {
        var stored = SafetensorsFile.Load(path);
        try
        {
            return new ItemGraph(
                count,
                Values<int>(stored, "start", ScalarType.Int32, path),
                Values<int>(stored, "target", ScalarType.Int32, path),
                Values<double>(stored, "weight", ScalarType.Float64, path));
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

    private static T[] Values<T>(Dictionary<string, Tensor> stored, string key, ScalarType type, string path)
        where T : unmanaged
    {
        if (!stored.TryGetValue(key, out var value) || value.dtype != type || value.dim() != 1)
        {
            throw new InvalidDataException($"'{path}': key '{key}' {(value is null ? "is missing" : $"is {value.dtype} of shape [{string.Join(", ", value.shape)}]")}; expected a row of {type}.");
        }

        return value.numel() == 0 ? [] : MemoryMarshal.Cast<byte, T>(value.bytes).ToArray();
    }

    /// <summary>What every counted baseline's manifest holds beside its options.</summary>
    internal sealed record Settings(long DroppedInteractions = 0);

    private sealed record Entries(string[] Items, long[] Counts);
}
