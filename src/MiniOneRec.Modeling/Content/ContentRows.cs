using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Starts the rows of codes from what they mean: from the mean vector of the items that have the code.</summary>
/// <remarks>Each level's means are what <see cref="CodebookRows"/> takes a codebook's vectors for. A code without items gets the mean row.</remarks>
public sealed class ContentRows : TokenRowInitializer
{
    private readonly ItemContent _content;
    private readonly SemanticIdIndex _index;

    /// <summary>Makes the initialiser.</summary>
    /// <param name="content">The items' vectors.</param>
    /// <param name="index">The catalogue.</param>
    /// <exception cref="ArgumentException">No item of the catalogue has a vector.</exception>
    public ContentRows(ItemContent content, SemanticIdIndex index)
    {
        ArgumentNullException.ThrowIfNull(content);
        ArgumentNullException.ThrowIfNull(index);
        (_content, _index) = (content.For(index), index);
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The vocabulary has more levels or codes than the catalogue.</exception>
    public override Tensor MakeRows(Tensor known, SemanticIdVocabulary vocabulary, Generator generator)
    {
        ArgumentNullException.ThrowIfNull(vocabulary);
        using var scope = NewDisposeScope();
        var vectors = ContentVectors.Of(_content);                                                  // [N, E]
        Tensor[] codebooks = [.. vocabulary.LevelSizes.Select((size, level) => MeansOf(vectors, level, size))];
        return new CodebookRows(codebooks).MakeRows(known, vocabulary, generator).MoveToOuterDisposeScope();
    }

    private Tensor MeansOf(Tensor vectors, int level, int size)
    {
        int[] rows = [.. Enumerable.Range(0, _index.Count).Where(row => _content.IsKnown(row) && _index.SemanticIds[row].Depth > level)];
        var codes = tensor([.. rows.Select(row => (long)_index.SemanticIds[row][level])], dtype: ScalarType.Int64);
        var own = vectors.index_select(0, tensor([.. rows.Select(row => (long)row)], dtype: ScalarType.Int64));
        var sums = zeros(size, vectors.size(1)).index_add_(0, codes, own, Scalars.Of(1));           // [K, E]
        var counts = zeros(size).index_add_(0, codes, ones(rows.Length), Scalars.Of(1));            // [K]
        return sums / counts.clamp_(min: Scalars.Of(1)).unsqueeze(1);
    }
}
