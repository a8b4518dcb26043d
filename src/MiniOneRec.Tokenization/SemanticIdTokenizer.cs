using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Tokenization;

/// <summary>Gives a catalogue its semantic IDs: text, vectors, codes, collisions resolved.</summary>
/// <remarks>
/// Fitting (<see cref="TokenizeAsync"/>, <c>BuildAsync</c>, <see cref="RefitAsync"/>) is for one caller at a time. <c>AssignAsync</c> and
/// <see cref="AddItemsAsync"/> fit nothing and are safe for concurrent use where the encoder is.
/// </remarks>
public sealed partial class SemanticIdTokenizer
{
    private readonly CatalogueText _text;
    private readonly IQuantizer _quantizer;
    private readonly TokenizationOptions _options;
    private readonly ILogger _logger;

    /// <summary>Makes a tokenizer.</summary>
    /// <param name="encoder">Turns text into vectors; an <see cref="IFittedEncoder"/> that is not fitted yet is fitted to the
    /// catalogue.</param>
    /// <param name="quantizer">Turns vectors into codes; every run fits it, but for those that assign or add.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public SemanticIdTokenizer(
        IEmbeddingGenerator<string, Embedding<float>> encoder, IQuantizer quantizer, TokenizationOptions? options = null,
        ILogger<SemanticIdTokenizer>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(quantizer);
        _options = OptionsValidation.Validated(options ?? new TokenizationOptions(), new TokenizationOptionsValidator());
        (_quantizer, _logger) = (quantizer, logger ?? NullLogger<SemanticIdTokenizer>.Instance);
        _text = new CatalogueText(encoder, _options, _logger);
    }

    /// <summary>Makes a tokenizer without an encoder, for catalogues whose vectors are known or come from behaviour.</summary>
    /// <remarks>Methods that take items need their text encoded and throw; those that take vectors work.</remarks>
    /// <param name="quantizer">Turns vectors into codes; every run fits it, but for those that assign.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public SemanticIdTokenizer(IQuantizer quantizer, TokenizationOptions? options = null, ILogger<SemanticIdTokenizer>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(quantizer);
        _options = OptionsValidation.Validated(options ?? new TokenizationOptions(), new TokenizationOptionsValidator());
        (_quantizer, _logger) = (quantizer, logger ?? NullLogger<SemanticIdTokenizer>.Instance);
        _text = new CatalogueText(encoder: null, _options, _logger);
    }

    /// <summary>Gives items their semantic IDs.</summary>
    /// <param name="items">The catalogue, ids unique.</param>
    /// <param name="progress">Told of the stages <c>text</c> and the quantizer's.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <returns>The index, rows in the order of the items.</returns>
    /// <exception cref="ArgumentException">No items, an id twice, fewer items than codes of a level, or texts that are all
    /// alike.</exception>
    /// <exception cref="InvalidOperationException">A prefix has more items than codes, or the encoder returns vectors that do not
    /// fit.</exception>
    public async Task<SemanticIdIndex> TokenizeAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default) =>
        (await BuildAsync(items, progress, cancellationToken).ConfigureAwait(false)).Index;

    /// <summary>Fits the quantizer, gives items their semantic IDs, and keeps what later additions need.</summary>
    /// <remarks>An <see cref="IFittedEncoder"/> that is fitted already stays as it is; <see cref="RefitAsync"/> fits both again.</remarks>
    /// <param name="items">The catalogue, ids unique.</param>
    /// <param name="progress">Told of the stages <c>text</c> and the quantizer's.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <exception cref="ArgumentException">No items, an id twice, fewer items than codes of a level, or texts that are all
    /// alike.</exception>
    /// <exception cref="InvalidOperationException">A prefix has more items than codes, or the encoder returns vectors that do not
    /// fit.</exception>
    public async Task<SemanticIdCatalogue> BuildAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        var (embeddings, texts) = await _text.EncodeAsync(items, progress, cancellationToken).ConfigureAwait(false);
        return await BuildAsync(new Vectors([.. items.Select(item => item.Id)], embeddings, texts, _text.Fitted?.Fingerprint), progress,
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Fits encoder and quantizer together, again where they were fitted, and gives items new semantic IDs.</summary>
    /// <remarks>
    /// A catalogue that was built before keeps its semantic IDs but takes no more items from this tokenizer, because its encoder and
    /// quantizer are gone. An encoder that is no <see cref="IFittedEncoder"/> has nothing to fit. Where the quantizer cannot be fitted, a
    /// <see cref="TfIdfEncoder"/> returns to the fit that it had.
    /// </remarks>
    /// <param name="items">The catalogue, ids unique.</param>
    /// <param name="progress">Told of the stages <c>text</c> and the quantizer's.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <exception cref="ArgumentException">No items, an id twice, fewer items than codes of a level, or texts that are all
    /// alike.</exception>
    /// <exception cref="InvalidOperationException">A prefix has more items than codes, or the encoder returns vectors that do not
    /// fit.</exception>
    public async Task<SemanticIdCatalogue> RefitAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count == 0 || _text.Fitted is not { } encoder)
        {
            return await BuildAsync(items, progress, cancellationToken).ConfigureAwait(false);
        }

        Log.Refitting(_logger, items.Count);
        var restorable = encoder as IRestorableEncoder;
        object? before = restorable?.Capture();
        await encoder.FitAsync([.. items.Select(_options.TextOf)], cancellationToken).ConfigureAwait(false);
        Vectors vectors;
        try
        {
            var (embeddings, texts) = await _text.EncodeAsync(items, progress, cancellationToken).ConfigureAwait(false);
            vectors = new Vectors([.. items.Select(item => item.Id)], embeddings, texts, encoder.Fingerprint);
            await _quantizer.FitAsync(embeddings, progress, cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            restorable?.Restore(before);
            throw;
        }

        return await AssignAsync(vectors, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives items their semantic IDs with encoder and quantizer as they are, both fitted or loaded before.</summary>
    /// <param name="items">The catalogue, ids unique.</param>
    /// <param name="progress">Told of the stage <c>text</c>.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>A catalogue like that of <c>BuildAsync</c>; its drift compares later additions with these items.</returns>
    /// <exception cref="ArgumentException">No items, or an id twice.</exception>
    /// <exception cref="InvalidOperationException">Encoder or quantizer is not fitted, the encoder's vectors do not fit, or a prefix has
    /// more items than codes.</exception>
    public async Task<SemanticIdCatalogue> AssignAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        _text.CheckFitted("that the quantizer was fitted with");
        CheckQuantizer();
        var (embeddings, texts) = await _text.EncodeAsync(items, progress, cancellationToken).ConfigureAwait(false);
        return await AssignAsync(
            new Vectors([.. items.Select(item => item.Id)], embeddings, texts, _text.Fitted?.Fingerprint), cancellationToken)
            .ConfigureAwait(false);
    }

    /// <summary>Gives new items of a catalogue their semantic IDs, under its frozen quantizer and this tokenizer's encoder.</summary>
    /// <param name="catalogue">The catalogue, built with the same encoder; it is changed.</param>
    /// <param name="items">The new items.</param>
    /// <param name="progress">Told of the stages <c>text</c> and <c>add</c>.</param>
    /// <param name="cancellationToken">Stops and leaves the catalogue as it was.</param>
    /// <exception cref="ArgumentException">No items, or one that is there already or comes twice.</exception>
    /// <returns>What was added, what was displaced, and about whose text nothing is known; all items but those that the policy leaves out
    /// are added, or none.</returns>
    /// <exception cref="InvalidOperationException">
    /// The encoder is not fitted or not the one that the catalogue was built with, its vectors do not fit, the catalogue's quantizer was
    /// fitted again, or an item finds no free code.
    /// </exception>
    public async Task<CatalogueAddition> AddItemsAsync(
        SemanticIdCatalogue catalogue, IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(items);
        // Fitted to the new items alone, the encoder would give vectors of another space.
        _text.CheckFitted("that the catalogue was built with");
        if (catalogue.EncoderFingerprint is { } expected && _text.Fitted?.Fingerprint is var found && found != expected)
        {
            throw new InvalidOperationException(
                $"The catalogue was built with an encoder of the fit {expected}; this one has {found ?? "none"}. "
                + $"Load the encoder that was saved with the catalogue, or fit encoder and quantizer together ({nameof(RefitAsync)}).");
        }

        var (embeddings, texts) = await _text.EncodeAsync(items, progress, cancellationToken).ConfigureAwait(false);
        var batch = new CatalogueBatch([.. items.Select(item => item.Id)], embeddings, UnknownTexts.Find(embeddings, texts),
            catalogue.Growth.UnknownText);
        var addition = await catalogue.AddAsync(batch, progress, cancellationToken).ConfigureAwait(false);
        Report(catalogue, addition);
        return addition;
    }

    /// <summary>Turns the items' texts into vectors, in batches; an <see cref="IFittedEncoder"/> that is not fitted is fitted
    /// first.</summary>
    /// <param name="items">The items, at least one.</param>
    /// <param name="progress">Told of the stage <c>text</c>.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="ArgumentException">No items.</exception>
    /// <exception cref="InvalidOperationException">The encoder returns another number of vectors than texts, or vectors that differ in
    /// width or are not finite.</exception>
    public async Task<EmbeddingTable> EncodeTextAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        return (await _text.EncodeAsync(items, progress, cancellationToken).ConfigureAwait(false)).Vectors;
    }

    private async Task<SemanticIdCatalogue> BuildAsync(Vectors vectors, IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        await _quantizer.FitAsync(vectors.Table, progress, cancellationToken).ConfigureAwait(false);
        return await AssignAsync(vectors, cancellationToken).ConfigureAwait(false);
    }

    private Task<SemanticIdCatalogue> AssignAsync(Vectors vectors, CancellationToken cancellationToken) => Task.Run(
        () =>
        {
            var (ids, embeddings) = (vectors.Ids, vectors.Table);
            var codes = _quantizer.Encode(embeddings);
            var resolution = new CollisionResolver(_options.Collisions)
                .Resolve(_quantizer, embeddings, codes, ids, null, cancellationToken);
            int[] reserved = _options.Growth.ReservedExtraLevel > 0 && resolution.LevelSizes.Count == codes.Depth
                ? [_options.Growth.ReservedExtraLevel] : [];
            var index = new SemanticIdIndex(ids.Select((id, row) => KeyValuePair.Create(id, resolution.SemanticIds[row])),
                [.. resolution.LevelSizes, .. reserved]);
            Log.Tokenized(_logger, index.Count, index.DistinctCount, resolution.Affected, resolution.Groups);
            var unknown = UnknownTexts.Find(embeddings, vectors.Texts);
            if (unknown.Values.Count(reason => reason == UnknownTextReason.NoKnownTerm) is var zero and > 0)
            {
                Log.ItemsWithoutKnownTerm(_logger, zero);
            }

            var statistics = new DriftStatistics(index.Count, _quantizer.Reconstruct(embeddings, codes).MeanSquaredError);
            return new SemanticIdCatalogue(
                new CatalogueState(index, new HashSet<string>(), statistics), _quantizer, resolution, _options.Collisions, _options.Drift,
                _options.Growth)
            {
                EncoderFingerprint = vectors.Encoder,
                UnknownTexts = [.. unknown.Select(pair => new UnknownText(ids[pair.Key], pair.Value, resolution.SemanticIds[pair.Key]))],
            };
        },
        cancellationToken);

    private void Report(SemanticIdCatalogue catalogue, CatalogueAddition addition)
    {
        Log.ItemsAdded(_logger, addition.Items.Count, addition.Displaced.Count, catalogue.Index.Count);
        if (addition.UnknownTexts.Count > 0)
        {
            Log.UnknownTextsAdded(_logger, addition.UnknownTexts.Count, addition.UnknownTexts.Count(item => item.SemanticId is null));
        }

        int longer = catalogue.Collisions.Policy == CollisionPolicy.ExtraLevel ? 0
            : addition.Displaced.Count(item => item.Placement == ItemPlacement.ExtraLevel);
        int elsewhere = addition.Displaced.Count(item => item.Placement == ItemPlacement.OtherPrefix);
        if (longer + elsewhere > 0)
        {
            Log.PrefixesFull(_logger, longer + elsewhere, longer, elsewhere);
        }

        if (addition.Drift.ArguesForRefit)
        {
            Log.RefitAdvised(_logger, string.Join(' ', addition.Drift.Reasons));
        }
    }

    private void CheckQuantizer()
    {
        if (_quantizer.Width == 0)
        {
            throw new InvalidOperationException(
                $"The {_quantizer.Kind} quantizer is not fitted; load one ({nameof(QuantizerFolder)}.{nameof(QuantizerFolder.LoadAsync)}), "
                + "or call BuildAsync, which fits it.");
        }
    }
}
