namespace MiniOneRec.Tokenization;

/// <summary>A catalogue's index together with the quantizer that made it.</summary>
public sealed class SemanticIdCatalogue
{
    private const string Kind = "semantic-ids";

    internal SemanticIdCatalogue(SemanticIdIndex index, IQuantizer quantizer, CollisionResolution resolution, CollisionOptions collisions) =>
        (Index, Quantizer, Resolution, Collisions) = (index, quantizer, resolution, collisions);

    /// <summary>Gets which semantic ID each item has.</summary>
    public SemanticIdIndex Index { get; }

    /// <summary>Gets the quantizer, which belongs to whoever made it.</summary>
    public IQuantizer Quantizer { get; }

    /// <summary>Gets what was done about collisions.</summary>
    public CollisionResolution Resolution { get; }

    /// <summary>Gets how collisions are resolved.</summary>
    public CollisionOptions Collisions { get; }

    /// <summary>Writes a folder with <c>index.json</c>, the quantizer and a manifest; the earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) => AtomicFile.WriteFolderAsync(
        folder,
        async aside =>
        {
            await Index.SaveAsync(Path.Combine(aside, "index.json"), cancellationToken).ConfigureAwait(false);
            await Quantizer.SaveAsync(Path.Combine(aside, "quantizer"), cancellationToken).ConfigureAwait(false);
            var manifest = new ArtifactManifest
            {
                Kind = Kind,
                Options = ArtifactManifest.ToOptions(Collisions),
                MadeFrom = new Dictionary<string, string>
                {
                    ["index"] = Index.Fingerprint,
                    ["quantizer"] = await ArtifactManifest.HashFileAsync(Path.Combine(aside, "quantizer", "manifest.json"), cancellationToken).ConfigureAwait(false),
                },
            };
            await manifest.SaveAsync(Path.Combine(aside, "manifest.json"), cancellationToken).ConfigureAwait(false);
        },
        cancellationToken);
}
