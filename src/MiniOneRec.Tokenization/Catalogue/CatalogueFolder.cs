using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>A catalogue as a folder: indexes in the reference format, the quantizer, and a manifest that ties them together.</summary>
internal static class CatalogueFolder
{
    private const string Kind = "semantic-ids";
    private const string IndexFile = "index.json";
    private const string ArchiveFile = "archive.json";
    private const string ManifestFile = "manifest.json";
    private const string QuantizerName = "quantizer";

    public static Task SaveAsync(
        SemanticIdCatalogue catalogue, CatalogueState state, string folder, bool overwrite, CancellationToken cancellationToken) => ArtifactFolder.SaveAsync(
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

            string quantizer = Path.Combine(aside, QuantizerName);
            await catalogue.Quantizer.SaveAsync(quantizer, cancellationToken).ConfigureAwait(false);
            return new ArtifactManifest
            {
                Kind = Kind,
                Options = ArtifactManifest.ToOptions(new Settings(catalogue.Collisions, catalogue.DriftOptions, [.. state.Archive.LevelSizes], state.Statistics)),
                MadeFrom = new Dictionary<string, string>
                {
                    ["index"] = state.Index.Fingerprint,
                    ["archive"] = state.Archive.Fingerprint,
                    [QuantizerName] = await HashFolderAsync(quantizer, cancellationToken).ConfigureAwait(false),
                },
            };
        },
        overwrite,
        cancellationToken);

    public static Task<SemanticIdCatalogue> LoadAsync(string folder, Func<string, CancellationToken, Task<IQuantizer>> loadQuantizer, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.LoadAsync(folder, ManifestFile, Kind, (manifest, at) => ReadAsync(manifest, at, loadQuantizer, cancellationToken), cancellationToken);
    }

    private static async Task<SemanticIdCatalogue> ReadAsync(
        ArtifactManifest manifest, string folder, Func<string, CancellationToken, Task<IQuantizer>> loadQuantizer, CancellationToken cancellationToken)
    {
        string manifestPath = Path.Combine(folder, ManifestFile), quantizerPath = Path.Combine(folder, QuantizerName);
        var settings = manifest.OptionsAs<Settings>();
        if (settings is not { Collisions: not null, Drift: not null, LevelSizes.Length: > 0, Statistics: not null })
        {
            throw new InvalidDataException($"Manifest '{manifestPath}' lacks collisions, drift, levelSizes or statistics among its options.");
        }

        var index = await LoadIndexAsync("index", Path.Combine(folder, IndexFile)).ConfigureAwait(false);
        string archivePath = Path.Combine(folder, ArchiveFile);
        var archive = manifest.MadeFrom.GetValueOrDefault("archive") == index.Fingerprint ? index : await LoadIndexAsync("archive", archivePath).ConfigureAwait(false);

        if (!Directory.Exists(quantizerPath) || manifest.MadeFrom.GetValueOrDefault(QuantizerName) != await HashFolderAsync(quantizerPath, cancellationToken).ConfigureAwait(false))
        {
            throw new InvalidDataException($"Quantizer '{quantizerPath}' is not the one that made the index: it is missing, changed, or comes from another fit.");
        }

        var quantizer = await loadQuantizer(quantizerPath, cancellationToken).ConfigureAwait(false);
        if (!settings.LevelSizes.Take(quantizer.LevelSizes.Count).SequenceEqual(quantizer.LevelSizes))
        {
            string actual = string.Join(", ", quantizer.LevelSizes);
            quantizer.Dispose();
            throw new InvalidDataException($"Quantizer '{quantizerPath}' has levels of [{actual}] codes; the index has [{string.Join(", ", settings.LevelSizes)}].");
        }

        CollisionOptions collisions;
        DriftOptions drift;
        try
        {
            collisions = OptionsValidation.Validated(settings.Collisions, new CollisionOptionsValidator());
            drift = OptionsValidation.Validated(settings.Drift, new DriftOptionsValidator());
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
            drift);

        async Task<SemanticIdIndex> LoadIndexAsync(string name, string path)
        {
            var loaded = await SemanticIdIndex.LoadAsync(path, settings.LevelSizes, cancellationToken: cancellationToken).ConfigureAwait(false);
            return manifest.MadeFrom.GetValueOrDefault(name) == loaded.Fingerprint
                ? loaded
                : throw new InvalidDataException($"Index file '{path}' is not the one that its manifest was written for (fingerprint {loaded.Fingerprint}).");
        }
    }

    /// <summary>Hashes all files with their names, so that the format is the quantizer's own affair.</summary>
    private static async Task<string> HashFolderAsync(string folder, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in (Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories) : []).Order(StringComparer.Ordinal))
        {
            string name = Path.GetRelativePath(folder, path).Replace('\\', '/');
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {await ArtifactManifest.HashFileAsync(path, cancellationToken).ConfigureAwait(false)}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    private sealed record Settings(CollisionOptions Collisions, DriftOptions Drift, int[] LevelSizes, DriftStatistics Statistics);
}
