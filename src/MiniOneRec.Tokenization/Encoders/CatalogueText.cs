using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.Tokenization;

/// <summary>Turns the texts of a catalogue into vectors: fits the encoder where it needs that, and calls it in batches.</summary>
/// <param name="encoder">The encoder, or <see langword="null"/> for catalogues without text.</param>
/// <param name="options">How an item is written as text, and the batch size.</param>
/// <param name="logger">Told of the stage and of items without text.</param>
internal sealed class CatalogueText(
    IEmbeddingGenerator<string, Embedding<float>>? encoder, TokenizationOptions options, ILogger logger)
{
    /// <summary>Gets the part of the encoder that is fitted to a catalogue, or <see langword="null"/>.</summary>
    public IFittedEncoder? Fitted => encoder?.FittedPart();

    /// <summary>Encodes the texts of items in batches; an encoder that is not fitted yet is fitted first.</summary>
    /// <param name="items">The items, at least one.</param>
    /// <param name="progress">Told of the stage <c>text</c>.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <returns>The vectors <c>[N, E]</c> and the texts, in the order of the items.</returns>
    /// <exception cref="ArgumentException">No items.</exception>
    /// <exception cref="InvalidOperationException">There is no encoder, or its vectors do not fit.</exception>
    public async Task<(EmbeddingTable Vectors, string[] Texts)> EncodeAsync(
        IReadOnlyList<Item> items, IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        if (items.Count == 0)
        {
            throw new ArgumentException("There are no items to tokenize.", nameof(items));
        }

        var generator = encoder ?? throw new InvalidOperationException(
            $"This tokenizer has no text encoder: give its constructor one, or call {nameof(SemanticIdTokenizer.BuildAsync)} with the "
            + "items' vectors.");

        Log.EncodingText(logger, items.Count);
        string[] texts = [.. items.Select(options.TextOf)];
        if (texts.Count(string.IsNullOrWhiteSpace) is var empty and > 0)
        {
            Log.ItemsWithoutText(logger, empty);
        }

        if (Fitted is { IsFitted: false } unfitted)
        {
            await unfitted.FitAsync(texts, cancellationToken).ConfigureAwait(false);
        }

        var vectors = new List<ReadOnlyMemory<float>>(texts.Length);
        foreach (string[] batch in texts.Chunk(options.EncoderBatchSize))
        {
            var generated = await generator.GenerateAsync(batch, cancellationToken: cancellationToken).ConfigureAwait(false);
            EncoderOutput.CheckCount(generated.Count, batch.Length);
            vectors.AddRange(generated.Select(embedding => embedding.Vector));
            progress?.Report(new TrainingProgress("text", vectors.Count, texts.Length));
        }

        return (EncoderOutput.ToTable(vectors), texts);
    }

    /// <summary>Throws where the encoder needs a fit and has none.</summary>
    /// <param name="which">Which fit is expected, for the message.</param>
    /// <exception cref="InvalidOperationException">The encoder is not fitted.</exception>
    public void CheckFitted(string which)
    {
        if (Fitted is { IsFitted: false } unfitted)
        {
            throw new InvalidOperationException(
                $"The {unfitted.GetType().Name} is not fitted; load the one {which} ({unfitted.GetType().Name}.LoadAsync).");
        }
    }
}
