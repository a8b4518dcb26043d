using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Tokenization;

/// <summary>Gives a catalogue its semantic IDs: text, vectors, codes, collisions resolved.</summary>
/// <remarks>Not for concurrent use: it fits the quantizer that it was given.</remarks>
public sealed class SemanticIdTokenizer
{
    private readonly IEmbeddingGenerator<string, Embedding<float>> _encoder;
    private readonly IQuantizer _quantizer;
    private readonly TokenizationOptions _options;
    private readonly ILogger _logger;

    /// <summary>Makes a tokenizer.</summary>
    /// <param name="encoder">Turns text into vectors; a <see cref="TfIdfEncoder"/> that is not fitted yet is fitted to the catalogue.</param>
    /// <param name="quantizer">Turns vectors into codes; it is fitted by every run.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="logger">Told of the stages, or <see langword="null"/>.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public SemanticIdTokenizer(
        IEmbeddingGenerator<string, Embedding<float>> encoder, IQuantizer quantizer, TokenizationOptions? options = null, ILogger<SemanticIdTokenizer>? logger = null)
    {
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(quantizer);
        _options = OptionsValidation.Validated(options ?? new TokenizationOptions(), new TokenizationOptionsValidator());
        (_encoder, _quantizer, _logger) = (encoder, quantizer, logger ?? NullLogger<SemanticIdTokenizer>.Instance);
    }

    /// <summary>Gives items their semantic IDs.</summary>
    /// <param name="items">The catalogue, ids unique.</param>
    /// <param name="progress">Told of the stages <c>text</c> and the quantizer's.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <returns>The index, rows in the order of the items.</returns>
    /// <exception cref="ArgumentException">No items, an id twice, fewer items than codes of a level, or texts that are all alike.</exception>
    /// <exception cref="InvalidOperationException">A prefix has more items than codes, or the encoder returns vectors that do not fit.</exception>
    public async Task<SemanticIdIndex> TokenizeAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default) =>
        (await BuildAsync(items, progress, cancellationToken).ConfigureAwait(false)).Index;

    /// <summary>Gives items their semantic IDs and keeps what later additions need.</summary>
    /// <param name="items">The catalogue, ids unique.</param>
    /// <param name="progress">Told of the stages <c>text</c> and the quantizer's.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <exception cref="ArgumentException">No items, an id twice, fewer items than codes of a level, or texts that are all alike.</exception>
    /// <exception cref="InvalidOperationException">A prefix has more items than codes, or the encoder returns vectors that do not fit.</exception>
    public async Task<SemanticIdCatalogue> BuildAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        string[] ids = [.. items.Select(item => item.Id)];
        var embeddings = await EncodeTextAsync(items, progress, cancellationToken).ConfigureAwait(false);
        return await BuildAsync(ids, embeddings, progress, cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives items whose vectors are known their semantic IDs.</summary>
    /// <param name="ids">The items' ids, unique.</param>
    /// <param name="embeddings">Their vectors, <c>[N, E]</c>.</param>
    /// <param name="progress">Told of the quantizer's stage.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <exception cref="ArgumentException">Ids and vectors differ in number, an id comes twice, or there are fewer items than codes of a level.</exception>
    /// <exception cref="InvalidOperationException">A prefix has more items than codes.</exception>
    public async Task<SemanticIdCatalogue> BuildAsync(
        IReadOnlyList<string> ids, EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(ids);
        ArgumentNullException.ThrowIfNull(embeddings);
        if (ids.Count != embeddings.Count)
        {
            throw new ArgumentException($"There are {ids.Count} items and {embeddings.Count} vectors.", nameof(embeddings));
        }

        await _quantizer.FitAsync(embeddings, progress, cancellationToken).ConfigureAwait(false);
        return await Task.Run(
            () =>
            {
                var codes = _quantizer.Encode(embeddings);
                var resolution = new CollisionResolver(_options.Collisions).Resolve(_quantizer, embeddings, codes, ids, null, cancellationToken);
                var index = new SemanticIdIndex(ids.Select((id, row) => KeyValuePair.Create(id, resolution.SemanticIds[row])), resolution.LevelSizes);
                Log.Tokenized(_logger, index.Count, index.DistinctCount, resolution.Affected, resolution.Groups);
                var statistics = new DriftStatistics(index.Count, _quantizer.Reconstruct(embeddings, codes).MeanSquaredError);
                return new SemanticIdCatalogue(new CatalogueState(index, new HashSet<string>(), statistics), _quantizer, resolution, _options.Collisions, _options.Drift);
            },
            cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Gives new items of a catalogue their semantic IDs, under its frozen quantizer and this tokenizer's encoder.</summary>
    /// <param name="catalogue">The catalogue, built with the same encoder; it is changed.</param>
    /// <param name="items">The new items.</param>
    /// <param name="progress">Told of the stages <c>text</c> and <c>add</c>.</param>
    /// <param name="cancellationToken">Stops and leaves the catalogue as it was.</param>
    /// <exception cref="ArgumentException">No items, or one that is there already or comes twice.</exception>
    /// <exception cref="InvalidOperationException">The encoder is a <see cref="TfIdfEncoder"/> that is not fitted, its vectors do not fit, or a prefix has no free code left.</exception>
    public async Task<CatalogueAddition> AddItemsAsync(
        SemanticIdCatalogue catalogue, IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(catalogue);
        ArgumentNullException.ThrowIfNull(items);
        if (_encoder.GetService(typeof(TfIdfEncoder)) is TfIdfEncoder { IsFitted: false })
        {
            // Fitted to the new items alone, it would give vectors of another space.
            throw new InvalidOperationException($"The {nameof(TfIdfEncoder)} is not fitted; load the one that the catalogue was built with ({nameof(TfIdfEncoder)}.{nameof(TfIdfEncoder.LoadAsync)}).");
        }

        string[] ids = [.. items.Select(item => item.Id)];
        var embeddings = await EncodeTextAsync(items, progress, cancellationToken).ConfigureAwait(false);
        var addition = await catalogue.AddItemsAsync(ids, embeddings, progress, cancellationToken).ConfigureAwait(false);
        Log.ItemsAdded(_logger, ids.Length, addition.Displaced.Count, catalogue.Index.Count);
        if (addition.Drift.ArguesForRefit)
        {
            Log.RefitAdvised(_logger, string.Join(' ', addition.Drift.Reasons));
        }

        return addition;
    }

    /// <summary>Turns the items' texts into vectors, in batches; an unfitted <see cref="TfIdfEncoder"/> is fitted first.</summary>
    /// <param name="items">The items, at least one.</param>
    /// <param name="progress">Told of the stage <c>text</c>.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="ArgumentException">No items.</exception>
    /// <exception cref="InvalidOperationException">The encoder returns another number of vectors than texts, or vectors that differ in width or are not finite.</exception>
    public async Task<EmbeddingTable> EncodeTextAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        if (items.Count == 0)
        {
            throw new ArgumentException("There are no items to tokenize.", nameof(items));
        }

        Log.EncodingText(_logger, items.Count);
        string[] texts = [.. items.Select(_options.TextOf)];
        if (texts.Count(string.IsNullOrWhiteSpace) is var empty and > 0)
        {
            Log.ItemsWithoutText(_logger, empty);
        }

        if (_encoder.GetService(typeof(TfIdfEncoder)) is TfIdfEncoder { IsFitted: false } unfitted)
        {
            await unfitted.FitAsync(texts, cancellationToken).ConfigureAwait(false);
        }

        var vectors = new List<ReadOnlyMemory<float>>(texts.Length);
        foreach (string[] batch in texts.Chunk(_options.EncoderBatchSize))
        {
            var generated = await _encoder.GenerateAsync(batch, cancellationToken: cancellationToken).ConfigureAwait(false);
            EncoderOutput.CheckCount(generated.Count, batch.Length);
            vectors.AddRange(generated.Select(embedding => embedding.Vector));
            progress?.Report(new TrainingProgress("text", vectors.Count, texts.Length));
        }

        return EncoderOutput.ToTable(vectors);
    }
}
