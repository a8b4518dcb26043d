using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>A recommender's prior within its folder: the scorer in a folder of its own, its kind in the manifest.</summary>
/// <remarks>A scorer that cannot be saved leaves a note of its type in the manifest, so that loading the folder reports what is
/// missing.</remarks>
internal static class PriorStore
{
    private const string Key = "prior";

    /// <summary>Writes a prior into a recommender's folder.</summary>
    /// <param name="prior">The prior, or <see langword="null"/> for none.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="manifest">The recommender's manifest so far.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <returns>The manifest with what is known of the prior, and whether the prior could be saved.</returns>
    public static Task<(ArtifactManifest Manifest, bool Saved)> SaveAsync(IItemScorer? prior, string folder, ArtifactManifest manifest,
        CancellationToken cancellationToken) =>
        SaveAsync(prior, Key, folder, manifest, cancellationToken);

    private static async Task<(ArtifactManifest Manifest, bool Saved)> SaveAsync(
        IItemScorer? prior, string key, string folder, ArtifactManifest manifest, CancellationToken cancellationToken)
    {
        if (prior is null)
        {
            return (manifest, true);
        }

        if (prior is not ISavableScorer savable)
        {
            manifest.Options[key] = new JsonObject { ["missing"] = prior.GetType().FullName };
            return (manifest, false);
        }

        await savable.SaveAsync(Path.Combine(folder, key), cancellationToken).ConfigureAwait(false);
        manifest.Options[key] = new JsonObject { ["kind"] = savable.Kind };
        return (manifest, true);
    }

    /// <summary>Writes the additional priors into a recommender's folder: each as the prior is written, under <c>prior-1</c>,
    /// <c>prior-2</c>, …, with its share.</summary>
    /// <returns>The manifest with what is known of them, and the types of those that could not be saved.</returns>
    public static async Task<(ArtifactManifest Manifest, IReadOnlyList<string> Lost)> SaveAllAsync(
        IReadOnlyList<PriorShare> shares, string folder, ArtifactManifest manifest, CancellationToken cancellationToken)
    {
        var lost = new List<string>();
        foreach (var (number, share) in shares.Index())
        {
            string key = KeyOf(number);
            (manifest, bool saved) = await SaveAsync(share.Scorer, key, folder, manifest, cancellationToken).ConfigureAwait(false);
            var entry = manifest.Options[key]!;
            (entry["weight"], entry["scale"], entry["evidence"]) = (share.Weight, share.Scale.ToString(), share.Evidence);
            if (!saved)
            {
                lost.Add(share.Scorer.GetType().FullName!);
            }
        }

        return (manifest, lost);
    }

    /// <summary>Finds the loaders of the additional priors.</summary>
    /// <exception cref="InvalidDataException">No loader reads a kind, or an entry lacks its share.</exception>
    public static IReadOnlyList<SavedShare> FindAll(ArtifactManifest manifest, string folder, IEnumerable<ScorerLoader> loaders)
    {
        var all = loaders.ToArray();
        var shares = new List<SavedShare>();
        for (int number = 0; manifest.Options[KeyOf(number)] is { } node; number++)
        {
            string key = KeyOf(number);
            shares.Add(new SavedShare(key, Find(manifest, key, folder, all), ShareOf(node, key, folder)));
        }

        return shares;
    }

    private static string KeyOf(int number) => string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Key}-{number + 1}");

    private static (double Weight, PriorScale Scale, double Evidence) ShareOf(JsonNode node, string key, string folder)
    {
        try
        {
            if (node["weight"]?.GetValue<double>() is { } weight and >= 0 and <= 1
                && node["evidence"]?.GetValue<double>() is { } evidence and >= 0
                && Enum.TryParse(Text(node, "scale"), out PriorScale scale) && Enum.IsDefined(scale))
            {
                return (weight, scale, evidence);
            }
        }
        catch (InvalidOperationException)
        {
        }

        throw new InvalidDataException(
            $"The manifest of model folder '{folder}': options key '{key}' needs 'weight' from 0 to 1, "
            + "'evidence' of at least 0 and a known 'scale'.");
    }

    /// <summary>Reads what a manifest says of the prior and finds the loader for it.</summary>
    /// <param name="manifest">The recommender's manifest.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="loaders">What the application can load.</param>
    /// <exception cref="InvalidDataException">No loader reads the kind; the message names it and what to register.</exception>
    public static SavedPrior Find(ArtifactManifest manifest, string folder, IEnumerable<ScorerLoader> loaders) =>
        Find(manifest, Key, folder, loaders);

    private static SavedPrior Find(ArtifactManifest manifest, string key, string folder, IEnumerable<ScorerLoader> loaders)
    {
        if (manifest.Options[key] is not { } node)
        {
            return new SavedPrior(null, null);
        }

        string? kind = Text(node, "kind"), missing = Text(node, "missing");
        if (kind is null)
        {
            return missing is not null
                ? new SavedPrior(null, missing)
                : throw new InvalidDataException(
                    $"The manifest of model folder '{folder}' names neither the kind nor the type of its prior (options key '{key}').");
        }

        var all = loaders.ToArray();
        var loader = Array.FindLast(all, loader => loader.Kind == kind) ?? throw new InvalidDataException(
            $"Model folder '{folder}' holds a prior of kind '{kind}', "
            + "which none of the given loaders reads "
            + $"({(all.Length == 0 ? "none were given" : string.Join(", ", all.Select(loader => $"'{loader.Kind}'")))}). "
            + $"Put a {nameof(ScorerLoader)} of that kind into {nameof(RecommenderLoadOptions)}.{nameof(RecommenderLoadOptions.Scorers)}, "
            + "or register it as a service: those of MiniOneRec.Baselines are "
            + $"BaselineScorers.Loaders, registered by AddBaselines(). {nameof(ScorerLoader)}.{nameof(ScorerLoader.Skip)}(\"{kind}\") "
            + "loads the model without its prior.");
        return new SavedPrior(loader, null);
    }

    /// <summary>Loads a prior.</summary>
    /// <param name="loader">The loader that <see cref="Find(ArtifactManifest, string, IEnumerable{ScorerLoader})"/> gave.</param>
    /// <param name="manifest">The recommender's manifest.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="device">The device.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The prior is not the one that was saved with the model, or damaged.</exception>
    public static Task<IItemScorer?> LoadAsync(ScorerLoader loader, ArtifactManifest manifest, string folder, string device,
        CancellationToken cancellationToken) =>
        LoadAsync(loader, Key, manifest, folder, device, cancellationToken);

    /// <summary>Loads one of the additional priors.</summary>
    /// <param name="loader">Its loader.</param>
    /// <param name="key">Its key in the manifest, which is also its folder.</param>
    /// <param name="manifest">The recommender's manifest.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="device">The device.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The prior is not the one that was saved with the model, or damaged.</exception>
    public static async Task<IItemScorer?> LoadAsync(
        ScorerLoader loader, string key, ArtifactManifest manifest, string folder, string device, CancellationToken cancellationToken)
    {
        string path = Path.Combine(folder, key);
        return await OldHashes.MatchFolderAsync(manifest, key, path, cancellationToken).ConfigureAwait(false)
            ? await loader.LoadAsync(path, device, cancellationToken).ConfigureAwait(false)
            : throw new InvalidDataException(
                $"Prior '{path}' is not the one that was saved with the model: it is missing, changed, or belongs to another save.");
    }

    private static string? Text(JsonNode node, string key) =>
        node is JsonObject entries && entries[key] is JsonValue value && value.GetValueKind() == JsonValueKind.String
            ? value.GetValue<string>() : null;
}

/// <summary>What a manifest says of a recommender's prior.</summary>
/// <param name="Loader">Loads it, or <see langword="null"/> where there is nothing to load.</param>
/// <param name="Missing">The type of the prior that could not be saved, or <see langword="null"/>.</param>
internal sealed record SavedPrior(ScorerLoader? Loader, string? Missing);

/// <summary>What a manifest says of an additional prior.</summary>
/// <param name="Key">Its key in the manifest, which is also its folder.</param>
/// <param name="Prior">Its loader, or its type where it could not be saved.</param>
/// <param name="Share">Its share, scale and evidence.</param>
internal sealed record SavedShare(string Key, SavedPrior Prior, (double Weight, PriorScale Scale, double Evidence) Share);
