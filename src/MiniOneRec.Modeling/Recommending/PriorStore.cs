using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>A recommender's prior within its folder: the scorer in a folder of its own, its kind in the manifest.</summary>
/// <remarks>A scorer that cannot be saved leaves a note of its type in the manifest, so that loading the folder reports what is missing.</remarks>
internal static class PriorStore
{
    private const string Key = "prior";
    private const string Folder = "prior";

    /// <summary>Writes a prior into a recommender's folder.</summary>
    /// <param name="prior">The prior, or <see langword="null"/> for none.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="manifest">The recommender's manifest so far.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <returns>The manifest with what is known of the prior, and whether the prior could be saved.</returns>
    public static async Task<(ArtifactManifest Manifest, bool Saved)> SaveAsync(IItemScorer? prior, string folder, ArtifactManifest manifest, CancellationToken cancellationToken)
    {
        if (prior is null)
        {
            return (manifest, true);
        }

        if (prior is not ISavableScorer savable)
        {
            manifest.Options[Key] = new JsonObject { ["missing"] = prior.GetType().FullName };
            return (manifest, false);
        }

        string path = Path.Combine(folder, Folder);
        await savable.SaveAsync(path, cancellationToken).ConfigureAwait(false);
        manifest.Options[Key] = new JsonObject { ["kind"] = savable.Kind };
        string hash = await FolderHash.ComputeAsync(path, cancellationToken).ConfigureAwait(false);
        return (manifest with { MadeFrom = new Dictionary<string, string>(manifest.MadeFrom) { [Key] = hash } }, true);
    }

    /// <summary>Reads what a manifest says of the prior and finds the loader for it.</summary>
    /// <param name="manifest">The recommender's manifest.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="loaders">What the application can load.</param>
    /// <exception cref="InvalidDataException">Nobody loads the kind; the message names it and what to register.</exception>
    public static SavedPrior Find(ArtifactManifest manifest, string folder, IEnumerable<ScorerLoader> loaders)
    {
        if (manifest.Options[Key] is not { } node)
        {
            return new SavedPrior(null, null);
        }

        string? kind = Text(node, "kind"), missing = Text(node, "missing");
        if (kind is null)
        {
            return missing is not null
                ? new SavedPrior(null, missing)
                : throw new InvalidDataException($"The manifest of model folder '{folder}' names neither the kind nor the type of its prior (options key '{Key}').");
        }

        var all = loaders.ToArray();
        var loader = Array.FindLast(all, loader => loader.Kind == kind) ?? throw new InvalidDataException(
            $"Model folder '{folder}' holds a prior of kind '{kind}', which none of the given loaders reads ({(all.Length == 0 ? "none were given" : string.Join(", ", all.Select(loader => $"'{loader.Kind}'")))}). "
            + $"Put a {nameof(ScorerLoader)} of that kind into {nameof(RecommenderLoadOptions)}.{nameof(RecommenderLoadOptions.Scorers)}, or register it as a service: those of MiniOneRec.Baselines are "
            + $"BaselineScorers.Loaders, registered by AddBaselines(). {nameof(ScorerLoader)}.{nameof(ScorerLoader.Skip)}(\"{kind}\") loads the model without its prior.");
        return new SavedPrior(loader, null);
    }

    /// <summary>Loads a prior.</summary>
    /// <param name="loader">The loader that <see cref="Find"/> gave.</param>
    /// <param name="manifest">The recommender's manifest.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="device">The device.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The prior is not the one that was saved with the model, or damaged.</exception>
    public static async Task<IItemScorer?> LoadAsync(ScorerLoader loader, ArtifactManifest manifest, string folder, string device, CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, Folder);
        return await FolderHash.ComputeAsync(path, cancellationToken).ConfigureAwait(false) == manifest.MadeFrom.GetValueOrDefault(Key)
            ? await loader.LoadAsync(path, device, cancellationToken).ConfigureAwait(false)
            : throw new InvalidDataException($"Prior '{path}' is not the one that was saved with the model: it is missing, changed, or belongs to another save.");
    }

    private static string? Text(JsonNode node, string key) =>
        node is JsonObject entries && entries[key] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? value.GetValue<string>() : null;
}

/// <summary>What a manifest says of a recommender's prior.</summary>
/// <param name="Loader">Loads it, or <see langword="null"/> where there is nothing to load.</param>
/// <param name="Missing">The type of the prior that could not be saved, or <see langword="null"/>.</param>
internal sealed record SavedPrior(ScorerLoader? Loader, string? Missing);
