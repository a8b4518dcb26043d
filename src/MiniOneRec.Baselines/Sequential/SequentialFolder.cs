using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines;

/// <summary>A trained baseline as a folder: manifest with the options, the catalogue with its counts, and the weights.</summary>
internal static class SequentialFolder
{
    private const string ManifestFile = "minionerec.json";
    private const string CatalogueFile = "items.json";
    private const string WeightsFile = "model.safetensors";

    public static Task SaveAsync(
        string folder, string kind, ItemCatalogue catalogue, SequentialModel model, JsonObject options, CancellationToken cancellationToken) => AtomicFile.WriteFolderAsync(
        folder,
        async aside =>
        {
            string items = Path.Combine(aside, CatalogueFile);
            var entries = new Entries(catalogue.Items, catalogue.Counts);
            await AtomicFile.WriteAsync(
                items, stream => JsonSerializer.SerializeAsync(stream, entries, JsonSerializerOptions.Web, cancellationToken), cancellationToken).ConfigureAwait(false);
            (string, Tensor)[] tensors = [.. model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))];
            await SafetensorsFile.SaveAsync(Path.Combine(aside, WeightsFile), tensors, cancellationToken: cancellationToken).ConfigureAwait(false);
            var manifest = new ArtifactManifest
            {
                Kind = kind,
                MadeFrom = new Dictionary<string, string> { [CatalogueFile] = await ArtifactManifest.HashFileAsync(items, cancellationToken).ConfigureAwait(false) },
                Options = options,
            };
            await manifest.SaveAsync(Path.Combine(aside, ManifestFile), cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);

    /// <summary>Reads what <see cref="SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="kind">The kind that the manifest must name.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="createModel">Makes the model of a catalogue and options; validates the options.</param>
    /// <param name="createRecommender">Makes the recommender around it.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the catalogue is not the one that was saved with the weights.</exception>
    public static async Task<TRecommender> LoadAsync<TOptions, TRecommender>(
        string folder, string kind, string device, Func<int, TOptions, SequentialModel> createModel,
        Func<ItemCatalogue, SequentialModel, TOptions, TRecommender> createRecommender, CancellationToken cancellationToken)
    {
        var (catalogue, options) = await ReadAsync<TOptions>(folder, kind, cancellationToken).ConfigureAwait(false);
        return await TorchThread.RunAsync("MiniOneRec load", () =>
        {
            SequentialModel model;
            try
            {
                model = createModel(catalogue.Count, options);
            }
            catch (OptionsValidationException e)
            {
                throw new InvalidDataException($"Manifest '{Path.Combine(folder, ManifestFile)}': {e.Message}", e);
            }

            try
            {
                Fill(model, Path.Combine(folder, WeightsFile));
                model.to(TorchSeed.DeviceOf(device));
                return createRecommender(catalogue, model, options);
            }
            catch
            {
                model.Dispose();
                throw;
            }
        }).ConfigureAwait(false);
    }

    private static async Task<(ItemCatalogue Catalogue, T Options)> ReadAsync<T>(string folder, string kind, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
        }

        var manifest = await ArtifactManifest.LoadAsync(Path.Combine(folder, ManifestFile), kind, cancellationToken).ConfigureAwait(false);
        string path = Path.Combine(folder, CatalogueFile);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"'{path}' does not exist.", path);
        }

        if (await ArtifactManifest.HashFileAsync(path, cancellationToken).ConfigureAwait(false) != manifest.MadeFrom.GetValueOrDefault(CatalogueFile))
        {
            throw new InvalidDataException($"'{path}' is not the catalogue that the weights were trained with; its SHA-256 differs from the manifest's.");
        }

        try
        {
            var entries = JsonSerializer.Deserialize<Entries>(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), JsonSerializerOptions.Web);
            return entries is { Items.Length: > 0 } && entries.Counts.Length == entries.Items.Length
                ? (new ItemCatalogue(entries.Items, entries.Counts), manifest.OptionsAs<T>())
                : throw new InvalidDataException($"'{path}' must hold as many 'counts' as 'items', at least one.");
        }
        catch (Exception e) when (e is JsonException or ArgumentException)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    private static void Fill(SequentialModel model, string path)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var stored = SafetensorsFile.Load(path);
        try
        {
            foreach (var (name, parameter) in model.named_parameters())
            {
                if (!stored.TryGetValue(name, out var value) || !value.shape.AsSpan().SequenceEqual(parameter.shape))
                {
                    throw new InvalidDataException(
                        $"'{path}': key '{name}' {(value is null ? "is missing" : $"has shape [{string.Join(", ", value.shape)}]")}; expected shape [{string.Join(", ", parameter.shape)}].");
                }

                parameter.copy_(value);
            }

            if (stored.Count != model.named_parameters().Count())
            {
                string extra = stored.Keys.Except(model.named_parameters().Select(pair => pair.name)).Order(StringComparer.Ordinal).First();
                throw new InvalidDataException($"'{path}': key '{extra}' is not part of the model that the manifest describes.");
            }
        }
        finally
        {
            foreach (var value in stored.Values)
            {
                value.Dispose();
            }
        }
    }

    private sealed record Entries(string[] Items, long[] Counts);
}
