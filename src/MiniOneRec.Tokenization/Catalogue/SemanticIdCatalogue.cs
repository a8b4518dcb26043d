using System.Diagnostics.CodeAnalysis;

namespace MiniOneRec.Tokenization;

/// <summary>A catalogue's index together with the quantizer that made it; it grows without moving an item that it has.</summary>
/// <remarks>
/// New items get semantic IDs under the frozen quantizer; under <see cref="CollisionPolicy.Sinkhorn"/>, whose plan is over a whole
/// catalogue, they take the nearest free sibling. A removed item leaves <see cref="Index"/> and keeps its semantic ID in
/// <see cref="Archive"/>, so that old logs stay readable and no other item gets it, until it is freed on request. Safe for concurrent use:
/// additions run one after the other in the order in which they were asked for, removals and saves may run beside them, and nothing is
/// lost. Indexes are immutable and replaced whole, so that readers see the state before or after a change.
/// </remarks>
[SuppressMessage("Design", "CA1001", Justification = "The semaphores' wait handles are never made, so there is nothing to dispose.")]
public sealed class SemanticIdCatalogue
{
    private readonly SemaphoreSlim _additions = new(1, 1);
    private readonly CatalogueStore _store = new();
    private readonly string? _fit;
    private volatile CatalogueState _state;
    private volatile int _adder;

    internal SemanticIdCatalogue(
        CatalogueState state, IQuantizer quantizer, CollisionResolution? resolution, CollisionOptions collisions, DriftOptions drift,
        GrowthOptions growth)
    {
        (_state, Quantizer, Resolution, Collisions, DriftOptions, Growth) = (state, quantizer, resolution, collisions, drift, growth);
        _fit = quantizer.Fingerprint;
    }

    /// <summary>Gets which semantic ID each item has that can be recommended, rows in the order in which items came.</summary>
    public SemanticIdIndex Index => _state.Index;

    /// <summary>Gets which semantic ID each item has or had: those of <see cref="Index"/> and those removed and not freed.</summary>
    public SemanticIdIndex Archive => _state.Archive;

    /// <summary>Gets the ids of the items that were removed and keep their semantic IDs, in the order of <see cref="Archive"/>.</summary>
    public IReadOnlyList<string> Removed => _state.Removed;

    /// <summary>Gets the quantizer, which the caller owns. After a new fit it serves this catalogue no longer.</summary>
    public IQuantizer Quantizer { get; }

    /// <summary>Gets what was done about collisions when the catalogue was built, or <see langword="null"/> where it was loaded.</summary>
    public CollisionResolution? Resolution { get; }

    /// <summary>Gets how collisions are resolved.</summary>
    public CollisionOptions Collisions { get; }

    /// <summary>Gets when additions argue for a refit.</summary>
    public DriftOptions DriftOptions { get; }

    /// <summary>Gets the policies for added items that find no free code or have unknown text.</summary>
    public GrowthOptions Growth { get; }

    /// <summary>Gets how well the codebooks suit all that was added since they were fitted.</summary>
    public CatalogueDrift Drift => _state.Statistics.Judge(DriftOptions);

    /// <summary>
    /// Gets the items about whose text nothing was known when the catalogue was built. They have the codes nearest to their vectors, so
    /// that all zero vectors share one neighbourhood. Empty where the catalogue was loaded.
    /// </summary>
    public IReadOnlyList<UnknownText> UnknownTexts { get; internal init; } = [];

    /// <summary>
    /// Gets the fit of the encoder that the items' texts were encoded with (<see cref="IFittedEncoder.Fingerprint"/>), or
    /// <see langword="null"/> where the encoder is not fitted to catalogues, or vectors were given in place of texts.
    /// </summary>
    public string? EncoderFingerprint { get; internal init; }

    /// <summary>Gives new items semantic IDs under the frozen quantizer; no item that is there already moves.</summary>
    /// <param name="ids">The items' ids; one that was removed gets the semantic ID back that it had, whatever its vector.</param>
    /// <param name="embeddings">
    /// Their vectors, <c>[N, E]</c>, from the encoder that the catalogue was built with. A zero vector is placed as any other and reported
    /// in <see cref="CatalogueAddition.UnknownTexts"/>.
    /// </param>
    /// <param name="progress">Told of the stage <c>add</c>: encoded, resolved, measured.</param>
    /// <param name="cancellationToken">Stops and leaves the catalogue as it was.</param>
    /// <returns>What was added. An addition adds all of its items (but for those that <see cref="GrowthOptions.UnknownText"/> leaves out)
    /// or none.</returns>
    /// <exception cref="ArgumentException">Ids and vectors differ in number, an id is there already or comes twice, or the width is not the
    /// quantizer's.</exception>
    /// <exception cref="InvalidOperationException">
    /// An item finds no free code, the quantizer was fitted again since, or the call comes from the progress of another addition; the
    /// catalogue is as it was.
    /// </exception>
    public Task<CatalogueAddition> AddItemsAsync(
        IReadOnlyList<string> ids, EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(embeddings);
        return ids.Count == embeddings.Count
            ? AddAsync(new CatalogueBatch(ids, embeddings, Tokenization.UnknownTexts.Find(embeddings), UnknownTextPolicy.Place), progress,
                cancellationToken)
            : throw new ArgumentException($"There are {ids.Count} items and {embeddings.Count} vectors.", nameof(embeddings));
    }

    /// <summary>Takes items out of <see cref="Index"/>.</summary>
    /// <param name="ids">Ids of items; with <paramref name="freeSemanticIds"/> also of items removed before.</param>
    /// <param name="freeSemanticIds">
    /// Whether new items may get their semantic IDs. Old logs that name the items can then no longer be read, and a model trained on them
    /// takes the new items for the old ones until it is trained again.
    /// </param>
    /// <exception cref="KeyNotFoundException">An item is not there; nothing is removed.</exception>
    /// <exception cref="ArgumentException">No item would be left; nothing is removed.</exception>
    public void RemoveItems(IReadOnlyCollection<string> ids, bool freeSemanticIds = false)
    {
        ArgumentNullException.ThrowIfNull(ids);
        CatalogueState state;
        do
        {
            state = _state;
        }
        while (!TryReplace(state, state.Without(ids, freeSemanticIds)));
    }

    /// <summary>
    /// Writes a folder with <c>index.json</c>, the quantizer, a manifest and, where items were removed, <c>archive.json</c>; the earlier
    /// folder stays whole until the new one is complete. Saves of several threads and processes run one after the other.
    /// </summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved catalogue, or holds files of others.</exception>
    /// <exception cref="CatalogueConflictException">
    /// Another writer changed the folder since this catalogue was loaded from it or saved to it; nothing is written. Load it and repeat the
    /// changes, or overwrite it.
    /// </exception>
    /// <exception cref="InvalidOperationException">The quantizer was fitted again since.</exception>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        SaveAsync(folder, overwrite: false, cancellationToken);

    /// <summary>Writes the folder even where another writer changed it since this catalogue was loaded from it or saved to it, or something
    /// else is in its place.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="CatalogueConflictException">Another writer changed the folder since, and <paramref name="overwrite"/> is not
    /// set.</exception>
    /// <exception cref="InvalidOperationException">The quantizer was fitted again since.</exception>
    public Task SaveAsync(string folder, bool overwrite, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        CheckFit();
        return _store.SaveAsync(
            folder, check: !overwrite, guard => CatalogueFolder.SaveAsync(this, _state, folder, overwrite, guard, cancellationToken),
            cancellationToken);
    }

    /// <summary>Finds out whether a folder still holds what this catalogue loaded from it or saved to it last.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>Whether another writer changed or deleted it; <see langword="false"/> for a folder that this catalogue never read or
    /// wrote.</returns>
    public Task<bool> IsChangedOnDiskAsync(string folder, CancellationToken cancellationToken = default) =>
        _store.IsChangedAsync(folder, cancellationToken);

    /// <summary>Reads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote; <see cref="Quantizer"/> is the caller's to
    /// dispose.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="shared">Device and seed, or <see langword="null"/> for the defaults.</param>
    /// <param name="loadQuantizer">Loads the quantizer from the folder that it is given, or <see langword="null"/> for
    /// <see cref="QuantizerFolder.LoadAsync"/>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or index and quantizer do not belong together; the message names
    /// it.</exception>
    public static async Task<SemanticIdCatalogue> LoadAsync(
        string folder,
        MiniOneRecOptions? shared = null,
        Func<string, CancellationToken, Task<IQuantizer>>? loadQuantizer = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string? version = await CatalogueStore.VersionAsync(folder, cancellationToken).ConfigureAwait(false);
        var catalogue = await CatalogueFolder.LoadAsync(folder,
            loadQuantizer ?? ((path, token) => QuantizerFolder.LoadAsync(path, shared, token)), cancellationToken).ConfigureAwait(false);
        catalogue._store.Remember(folder, version);
        return catalogue;
    }

    /// <summary>Takes over items to which another process gave semantic IDs under the same quantizer; what is here already stays.</summary>
    /// <param name="entries">The items with their semantic IDs; one that was removed comes back.</param>
    internal void Adopt(IReadOnlyCollection<KeyValuePair<string, SemanticId>> entries)
    {
        CatalogueState state, next;
        do
        {
            state = _state;
            next = state.With(
                entries.Where(entry => !state.Archive.TryGetRow(entry.Key, out _)),
                [.. entries.Where(entry => state.IsRemoved(entry.Key)).Select(entry => entry.Key)], state.Statistics);
        }
        while (!TryReplace(state, next));
    }

    /// <summary>Adds items about whose texts the caller knows.</summary>
    internal async Task<CatalogueAddition> AddAsync(CatalogueBatch batch, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        LevelRules.CheckWidth(batch.Vectors, Quantizer.Width);
        CheckFit();
        if (_adder == Environment.CurrentManagedThreadId)
        {
            throw new InvalidOperationException(
                "Items are added while the same thread is told of another addition's progress; add them when that addition is done.");
        }

        await _additions.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            return await Task.Run(() => Add(batch, progress, cancellationToken), cancellationToken).ConfigureAwait(false);
        }
        finally
        {
            _additions.Release();
        }
    }

    private CatalogueAddition Add(CatalogueBatch batch, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        int reported = 0;
        _adder = Environment.CurrentManagedThreadId;
        try
        {
            while (true)
            {
                CheckFit();
                var state = _state;
                state.CheckNew(batch.Ids);
                var (next, addition) = CatalogueGrowth.Add(this, state, batch, Done, cancellationToken);
                if (TryReplace(state, next))
                {
                    return addition;
                }

                // Items were removed meanwhile; what is free now, and what comes back, may differ.
            }
        }
        finally
        {
            _adder = 0;
        }

        void Done(int step)
        {
            if (step > reported)
            {
                reported = step;
                progress?.Report(new TrainingProgress("add", step, 3));
            }

            cancellationToken.ThrowIfCancellationRequested();
        }
    }

    private bool TryReplace(CatalogueState state, CatalogueState next) =>
        ReferenceEquals(Interlocked.CompareExchange(ref _state, next, state), state);

    private void CheckFit()
    {
        if (Quantizer.Fingerprint != _fit)
        {
            throw new InvalidOperationException(
                "The catalogue's quantizer was fitted again, or disposed, since the catalogue was built or loaded: "
                + "its codes mean something else now. "
                + "Use the catalogue that the new fit returned, or load the quantizer that belongs to this one.");
        }
    }
}
