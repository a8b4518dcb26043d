using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization;

public sealed partial class SemanticIdTokenizer
{
    /// <summary>Fits the quantizer and gives items whose vectors are known their semantic IDs.</summary>
    /// <param name="ids">The items' ids, unique.</param>
    /// <param name="embeddings">Their vectors, <c>[N, E]</c>.</param>
    /// <param name="progress">Told of the quantizer's stage.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <exception cref="ArgumentException">
    /// Ids and vectors differ in number, an id comes twice, or there are fewer items than codes of a level.
    /// </exception>
    /// <exception cref="InvalidOperationException">A prefix has more items than codes.</exception>
    public Task<SemanticIdCatalogue> BuildAsync(
        IReadOnlyList<string> ids, EmbeddingTable embeddings, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        BuildAsync(Vectors.Of(ids, embeddings), progress, cancellationToken);

    /// <summary>Gives items whose vectors are known their semantic IDs with the quantizer as it is, fitted or loaded before.</summary>
    /// <param name="ids">The items' ids, unique.</param>
    /// <param name="embeddings">Their vectors, <c>[N, E]</c>.</param>
    /// <param name="cancellationToken">Stops between groups.</param>
    /// <returns>A catalogue like that of <c>BuildAsync</c>; its drift compares later additions with these items.</returns>
    /// <exception cref="ArgumentException">
    /// Ids and vectors differ in number, an id comes twice, or the width is not the quantizer's.
    /// </exception>
    /// <exception cref="InvalidOperationException">The quantizer is not fitted, or a prefix has more items than codes.</exception>
    public Task<SemanticIdCatalogue> AssignAsync(IReadOnlyList<string> ids, EmbeddingTable embeddings,
        CancellationToken cancellationToken = default)
    {
        var vectors = Vectors.Of(ids, embeddings);
        CheckQuantizer();
        LevelRules.CheckWidth(embeddings, _quantizer.Width);
        return AssignAsync(vectors, cancellationToken);
    }

    /// <summary>Fits the quantizer to vectors of any source and gives their items semantic IDs; no text is needed.</summary>
    /// <remarks>
    /// For a catalogue of bare ids, <see cref="CollaborativeVectors"/> makes vectors of users' sequences. Items without a vector need one
    /// first: <see cref="VectorSource.FillMissing"/> gives them the mean, and collisions are resolved as always.
    /// </remarks>
    /// <param name="vectors">The items' vectors, none missing.</param>
    /// <param name="progress">Told of the quantizer's stage.</param>
    /// <param name="cancellationToken">Stops after a whole step.</param>
    /// <exception cref="ArgumentException">There are fewer items than codes of a level.</exception>
    /// <exception cref="InvalidOperationException">Items have no vector, or a prefix has more items than codes.</exception>
    public Task<SemanticIdCatalogue> BuildAsync(
        VectorSource vectors, IProgress<TrainingProgress>? progress = null, CancellationToken cancellationToken = default) =>
        BuildAsync(Vectors.Of(vectors), progress, cancellationToken);

    /// <summary>Gives items semantic IDs by their vectors, with the quantizer as it is, fitted or loaded before.</summary>
    /// <param name="vectors">The items' vectors, none missing, of the kind that the quantizer was fitted to.</param>
    /// <param name="cancellationToken">Stops between groups.</param>
    /// <exception cref="ArgumentException">The width is not the quantizer's.</exception>
    /// <exception cref="InvalidOperationException">
    /// The quantizer is not fitted, items have no vector, or a prefix has more items than codes.
    /// </exception>
    public Task<SemanticIdCatalogue> AssignAsync(VectorSource vectors, CancellationToken cancellationToken = default)
    {
        var checkedVectors = Vectors.Of(vectors);
        return AssignAsync(checkedVectors.Ids, checkedVectors.Table, cancellationToken);
    }

    /// <summary>Items as the quantizer takes them.</summary>
    /// <param name="Ids">Their ids.</param>
    /// <param name="Table">Their vectors.</param>
    /// <param name="Texts">Their texts, where they are known.</param>
    /// <param name="Encoder">The fit of the encoder, where it is known.</param>
    private sealed record Vectors(IReadOnlyList<string> Ids, EmbeddingTable Table, IReadOnlyList<string>? Texts, string? Encoder)
    {
        public static Vectors Of(IReadOnlyList<string> ids, EmbeddingTable embeddings)
        {
            ArgumentNullException.ThrowIfNull(ids);
            ArgumentNullException.ThrowIfNull(embeddings);
            return ids.Count == embeddings.Count
                ? new Vectors(ids, embeddings, null, null)
                : throw new ArgumentException($"There are {ids.Count} items and {embeddings.Count} vectors.", nameof(embeddings));
        }

        public static Vectors Of(VectorSource vectors)
        {
            ArgumentNullException.ThrowIfNull(vectors);
            return new Vectors(vectors.ItemIds, EmbeddingTable.Of(vectors), null, null);
        }
    }
}
