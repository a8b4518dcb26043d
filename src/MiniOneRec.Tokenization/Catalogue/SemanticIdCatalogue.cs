namespace MiniOneRec.Tokenization;

/// <summary>A catalogue's index together with the quantizer that made it; it grows without moving an item that it has.</summary>
/// <remarks>
/// New items get semantic IDs under the frozen quantizer; under <see cref="CollisionPolicy.Sinkhorn"/>, whose plan is over a whole catalogue, they
/// take the nearest free sibling. A removed item leaves <see cref="Index"/> and keeps its semantic ID in
/// <see cref="Archive"/>, so that old logs stay readable and nobody else gets it, until it is freed on request. Changes are for one thread at a
/// time; indexes are immutable and replaced whole, so that readers on other threads see the state before or after.
/// </remarks>
public sealed class SemanticIdCatalogue
{
    private volatile CatalogueState _state;

    internal SemanticIdCatalogue(CatalogueState state, IQuantizer quantizer, CollisionResolution? resolution, CollisionOptions collisions, DriftOptions drift) =>
        (_state, Quantizer, Resolution, Collisions, DriftOptions) = (state, quantizer, resolution, collisions, drift);

    /// <summary>Gets which semantic ID each item has that can be recommended, rows in the order in which items came.</summary>
    public SemanticIdIndex Index => _state.Index;

    /// <summary>Gets which semantic ID each item has or had: those of <see cref="Index"/> and those removed and not freed.</summary>
    public SemanticIdIndex Archive => _state.Archive;

    /// <summary>Gets the ids of the items that were removed and keep their semantic IDs, in the order of <see cref="Archive"/>.</summary>
    public IReadOnlyList<string> Removed => _state.Removed;

    /// <summary>Gets the quantizer, which belongs to whoever made it or loaded the catalogue.</summary>
    public IQuantizer Quantizer { get; }

    /// <summary>Gets what was done about collisions when the catalogue was built, or <see langword="null"/> where it was loaded.</summary>
    public CollisionResolution? Resolution { get; }

    /// <summary>Gets how collisions are resolved.</summary>
    public CollisionOptions Collisions { get; }

    /// <summary>Gets when additions argue for a refit.</summary>
    public DriftOptions DriftOptions { get; }

    /// <summary>Gets how well the codebooks suit all that was added since they were fitted.</summary>
    public CatalogueDrift Drift => _state.Statistics.Judge(DriftOptions);

    /// <summary>Gives new items semantic IDs under the frozen quantizer; no item that is there already moves.</summary>
    /// <param name="ids">The items' ids; one that was removed gets the semantic ID back that it had, whatever its vector.</param>
    /// <param name="embeddings">Their vectors, <c>[N, E]</c>, from the encoder that the catalogue was built with.</param>
    /// <param name="progress">Told of the stage <c>add</c>: encoded, resolved, measured.</param>
    /// <param name="cancellationToken">Stops and leaves the catalogue as it was.</param>
    /// <exception cref="ArgumentException">Ids and vectors differ in number, an id is there already or comes twice, or the width is not the quantizer's.</exception>
    /// <exception cref="InvalidOperationException">A prefix has no free code left, or a group outgrows the extra level; the catalogue is as it was.</exception>
    public async Task<CatalogueAddition> AddItemsAsync(
        IReadOnlyList<string> ids, EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(embeddings);
        var state = _state;
        if (ids.Count != embeddings.Count)
        {
            throw new ArgumentException($"There are {ids.Count} items and {embeddings.Count} vectors.", nameof(embeddings));
        }

        LevelRules.CheckWidth(embeddings, Quantizer.Width);
        state.CheckNew(ids);
        var (next, addition) = await Task.Run(() => CatalogueGrowth.Add(this, state, ids, embeddings, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        _state = next;
        return addition;
    }

    /// <summary>Takes items out of <see cref="Index"/>.</summary>
    /// <param name="ids">Ids of items; with <paramref name="freeSemanticIds"/> also of items removed before.</param>
    /// <param name="freeSemanticIds">
    /// Whether new items may get their semantic IDs. Old logs that name the items can then no longer be read, and a model trained on them takes the
    /// new items for the old ones until it is trained again.
    /// </param>
    /// <exception cref="KeyNotFoundException">An item is not there; nothing is removed.</exception>
    /// <exception cref="ArgumentException">No item would be left; nothing is removed.</exception>
    public void RemoveItems(IReadOnlyCollection<string> ids, bool freeSemanticIds = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        _state = _state.Without(ids, freeSemanticIds);
    }

    /// <summary>
    /// Writes a folder with <c>index.json</c>, the quantizer, a manifest and, where items were removed, <c>archive.json</c>; the earlier folder stays
    /// whole until the new one is complete.
    /// </summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved catalogue, or holds files of others.</exception>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) => SaveAsync(folder, overwrite: false, cancellationToken);

    /// <summary>Writes the folder even where something else is in its place.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    public Task SaveAsync(string folder, bool overwrite, CancellationToken cancellationToken = default) =>
        CatalogueFolder.SaveAsync(this, _state, folder, overwrite, cancellationToken);

    /// <summary>Reads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote; <see cref="Quantizer"/> is the caller's to dispose.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="loadQuantizer">Loads the quantizer from the folder that it is given, or <see langword="null"/> for <see cref="QuantizerFolder.LoadAsync"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or index and quantizer do not belong together; the message names it.</exception>
    public static Task<SemanticIdCatalogue> LoadAsync(
        string folder,
        MiniOneRecOptions? shared = null,
        Func<string, CancellationToken, Task<IQuantizer>>? loadQuantizer = null,
        CancellationToken cancellationToken = default) =>
        CatalogueFolder.LoadAsync(folder, loadQuantizer ?? ((path, token) => QuantizerFolder.LoadAsync(path, shared, token)), cancellationToken);
}
