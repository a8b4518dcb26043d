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

    /// <summary>Writes the folder aside and swaps it in.</summary>
    public static Task SaveAsync(
        string folder, string kind, ItemCatalogue catalogue, SequentialModel model, JsonObject options, bool overwrite,
        CancellationToken cancellationToken) =>
        ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        kind,
        async aside =>
        {
            string items = Path.Combine(aside, CatalogueFile);
            var entries = new Entries(catalogue.Items, catalogue.Counts);
            await AtomicFile.WriteAsync(
                items, stream => JsonSerializer.SerializeAsync(stream, entries, JsonSerializerOptions.Web, cancellationToken),
                cancellationToken).ConfigureAwait(false);
            (string, Tensor)[] tensors = [.. model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))];
            FiniteWeights.Require(tensors, $"The {kind} recommender");
            await SafetensorsFile.SaveAsync(Path.Combine(aside, WeightsFile), tensors, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            return new ArtifactManifest { Kind = kind, Options = options };
        },
        overwrite,
        cancellationToken);

    /// <summary>Reads what <see cref="SaveAsync"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="kind">The kind that the manifest must name.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="createModel">Makes the model of a catalogue and options; validates the options.</param>
    /// <param name="createRecommender">Makes the recommender around it.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the catalogue is not the one that was saved with the
    /// weights.</exception>
    public static Task<TRecommender> LoadAsync<TOptions, TRecommender>(
        string folder, string kind, string device, Func<int, TOptions, SequentialModel> createModel,
        Func<ItemCatalogue, SequentialModel, TOptions, TRecommender> createRecommender, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.Exists(folder)
            ? ArtifactFolder.LoadAsync(
                folder, ManifestFile, kind,
                (manifest, at) => ReadAsync(manifest, at, device, createModel, createRecommender, cancellationToken), cancellationToken)
            : throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
    }

    private static async Task<TRecommender> ReadAsync<TOptions, TRecommender>(
        ArtifactManifest manifest, string folder, string device, Func<int, TOptions, SequentialModel> createModel,
        Func<ItemCatalogue, SequentialModel, TOptions, TRecommender> createRecommender, CancellationToken cancellationToken)
    {
        var (catalogue, options) = await ReadAsync<TOptions>(manifest, folder, cancellationToken).ConfigureAwait(false);
        return await TorchThread.RunAsync("MiniOneRec load", () =>
        {
            SequentialModel model;
            CheckSize(options, catalogue.Count, Path.Combine(folder, WeightsFile), Path.Combine(folder, ManifestFile));
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

    private static async Task<(ItemCatalogue Catalogue, T Options)> ReadAsync<T>(ArtifactManifest manifest, string folder,
        CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, CatalogueFile);
        await OldHashes.CheckFileAsync(manifest, CatalogueFile, path, cancellationToken).ConfigureAwait(false);
        try
        {
            var entries = JsonSerializer.Deserialize<Entries>(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false),
                JsonSerializerOptions.Web);
            return entries is { Items.Length: > 0, Counts: not null } && Array.TrueForAll(entries.Items, item => item is not null)
                && entries.Counts.Length == entries.Items.Length
                ? (new ItemCatalogue(entries.Items, entries.Counts), manifest.OptionsAs<T>())
                : throw new InvalidDataException($"'{path}' must hold as many 'counts' as 'items', at least one.");
        }
        catch (Exception e) when (e is JsonException or ArgumentException or InvalidOperationException)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }
    }

    // A lower bound, before a model of that size is made.
    private static void CheckSize<TOptions>(TOptions options, int items, string path, string manifestPath)
    {
        (Int128 width, Int128 squares) = options switch
        {
            SasRecOptions sasRec => (sasRec.HiddenSize, sasRec.Layers),
            Gru4RecOptions gru => (gru.HiddenSize, gru.Layers),
            HstuOptions hstu => (hstu.HiddenSize, hstu.Layers),
            CaserOptions caser => (caser.HiddenSize, caser.VerticalFilters),
            _ => (0, 0),
        };
        Int128 needed = sizeof(float) * width * (items + squares * width);
        if (File.Exists(path) && FileSize.Of(path) is var held && needed > held && squares * width * width > 1 << 20)
        {
            throw new InvalidDataException(
                $"Manifest '{manifestPath}': its options describe a model of at least {needed} bytes; '{path}' has {held}.");
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
                        $"'{path}': key '{name}' {(value is null ? "is missing" : $"has shape [{string.Join(", ", value.shape)}]")}; "
                        + $"expected shape [{string.Join(", ", parameter.shape)}].");
                }

                if (!value.is_floating_point() || !FiniteWeights.Holds(value))
                {
                    throw new InvalidDataException(
                        $"'{path}': "
                        + $"key '{name}' "
                        + $"{(value.is_floating_point() ? "holds values that are not finite" : $"has elements of type {value.dtype}")}; "
                        + "expected floating-point numbers.");
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
