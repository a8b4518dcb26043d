using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;

namespace MiniOneRec.Tokenization;

/// <summary>A catalogue as a folder: indexes in the reference format, the quantizer, and a manifest that ties them together.</summary>
internal static class CatalogueFolder
{
    public const string ManifestFile = "manifest.json";

    private const string Kind = "semantic-ids";
    private const string IndexFile = "index.json";
    private const string ArchiveFile = "archive.json";
    private const string QuantizerName = "quantizer";
    private const string EncoderName = "encoder";

    /// <summary>Writes a state; <paramref name="guard"/> is called when all is written and before the folder is swapped in.</summary>
    public static Task SaveAsync(
        SemanticIdCatalogue catalogue, CatalogueState state, string folder, bool overwrite, Func<Task> guard,
        CancellationToken cancellationToken) => ArtifactFolder.SaveAsync(
        folder,
        ManifestFile,
        Kind,
        async aside =>
        {
            await state.Index.SaveAsync(Path.Combine(aside, IndexFile), cancellationToken).ConfigureAwait(false);
            if (state.Removed.Count > 0)
            {
                await state.Archive.SaveAsync(Path.Combine(aside, ArchiveFile), cancellationToken).ConfigureAwait(false);
            }

            await catalogue.Quantizer.SaveAsync(Path.Combine(aside, QuantizerName), cancellationToken).ConfigureAwait(false);
            var madeFrom = new Dictionary<string, string>
            {
                ["index"] = state.Index.Fingerprint,
                ["archive"] = state.Archive.Fingerprint,
            };
            if (catalogue.EncoderFingerprint is { } encoder)
            {
                madeFrom[EncoderName] = encoder;
            }

            var settings = new Settings(catalogue.Collisions, catalogue.DriftOptions, [.. state.Archive.LevelSizes], state.Statistics,
                catalogue.Growth);
            await guard().ConfigureAwait(false);
            return new ArtifactManifest { Kind = Kind, Options = ArtifactManifest.ToOptions(settings), MadeFrom = madeFrom };
        },
        overwrite,
        cancellationToken);

    public static Task<SemanticIdCatalogue> LoadAsync(string folder, Func<string, CancellationToken, Task<IQuantizer>> loadQuantizer,
        CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.LoadAsync(folder, ManifestFile, Kind,
            (manifest, at) => ReadAsync(manifest, at, loadQuantizer, cancellationToken), cancellationToken);
    }

    private static async Task<SemanticIdCatalogue> ReadAsync(
        ArtifactManifest manifest, string folder, Func<string, CancellationToken, Task<IQuantizer>> loadQuantizer,
        CancellationToken cancellationToken)
    {
        string manifestPath = Path.Combine(folder, ManifestFile), quantizerPath = Path.Combine(folder, QuantizerName);
        var settings = manifest.OptionsAs<Settings>();
        if (settings is not { Collisions: not null, Drift: not null, LevelSizes.Length: > 0, Statistics: not null })
        {
            throw new InvalidDataException(
                $"Manifest '{manifestPath}' lacks collisions, drift, levelSizes or statistics among its options.");
        }

        var index = await LoadIndexAsync("index", Path.Combine(folder, IndexFile)).ConfigureAwait(false);
        string archivePath = Path.Combine(folder, ArchiveFile);
        var archive = manifest.MadeFrom.GetValueOrDefault("archive") == index.Fingerprint ? index
            : await LoadIndexAsync("archive", archivePath).ConfigureAwait(false);

        if (!await OldHashes.MatchFolderAsync(manifest, QuantizerName, quantizerPath, cancellationToken).ConfigureAwait(false))
        {
            throw new InvalidDataException(
                $"Quantizer '{quantizerPath}' is not the one that made the index: it is missing, changed, or comes from another fit.");
        }

        var quantizer = await loadQuantizer(quantizerPath, cancellationToken).ConfigureAwait(false);
        if (!settings.LevelSizes.Take(quantizer.LevelSizes.Count).SequenceEqual(quantizer.LevelSizes))
        {
            string actual = string.Join(", ", quantizer.LevelSizes);
            quantizer.Dispose();
            throw new InvalidDataException(
                $"Quantizer '{quantizerPath}' has levels of [{actual}] codes; the index has [{string.Join(", ", settings.LevelSizes)}].");
        }

        CollisionOptions collisions;
        DriftOptions drift;
        GrowthOptions growth;
        try
        {
            collisions = OptionsValidation.Validated(settings.Collisions, new CollisionOptionsValidator());
            drift = OptionsValidation.Validated(settings.Drift, new DriftOptionsValidator());
            growth = OptionsValidation.Validated(settings.Growth ?? new GrowthOptions(), new GrowthOptionsValidator());
        }
        catch (OptionsValidationException e)
        {
            quantizer.Dispose();
            throw new InvalidDataException($"Manifest '{manifestPath}': {e.Message}", e);
        }

        var removed = archive.Items.Where(id => !index.TryGetRow(id, out _)).ToHashSet(StringComparer.Ordinal);
        return new SemanticIdCatalogue(
            new CatalogueState(archive, removed, settings.Statistics),
            quantizer,
            null,
            collisions,
            drift,
            growth)
        {
            EncoderFingerprint = manifest.MadeFrom.GetValueOrDefault(EncoderName),
        };

        async Task<SemanticIdIndex> LoadIndexAsync(string name, string path)
        {
            var loaded = await SemanticIdIndex.LoadAsync(path, settings.LevelSizes, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            return manifest.MadeFrom.GetValueOrDefault(name) == loaded.Fingerprint
                ? loaded
                : throw new InvalidDataException(
                    $"Index file '{path}' is not the one that its manifest was written for (fingerprint {loaded.Fingerprint}).");
        }
    }

    /// <summary>The manifest's options; <paramref name="Growth"/> is missing in folders of version 0.1.</summary>
    private sealed record Settings(CollisionOptions Collisions, DriftOptions Drift, int[] LevelSizes, DriftStatistics Statistics,
        GrowthOptions? Growth = null);
}
