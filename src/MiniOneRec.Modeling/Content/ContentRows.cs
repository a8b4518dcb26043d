using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Starts the rows of codes in embedding and head from what they mean: from the mean vector of the items that have the
/// code.</summary>
/// <remarks>
/// Row = μ + s·(m − m̄)·P, where μ is the mean of the model's rows, m a code's mean vector, m̄ its level's mean, P a random matrix (one for
/// each level),
/// and s gives each level the spread of the model's rows. Codes with like items begin as like tokens. A code without items gets m = 0.
/// </remarks>
public sealed class ContentRows
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

    /// <summary>Writes the rows into a model.</summary>
    /// <param name="model">The model, with fresh weights.</param>
    /// <param name="vocabulary">The codes.</param>
    /// <param name="seed">The seed of the projections; embedding and head get the same.</param>
    internal void Write(CausalLanguageModel model, SemanticIdVocabulary vocabulary, int seed)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var vectors = ContentVectors.Of(_content);                                                  // [N, E]
        foreach (var matrix in model.Config.TieWordEmbeddings ? [model.EmbeddingWeight] : new[] { model.EmbeddingWeight, model.HeadWeight })
        {
            using var generator = new Generator((ulong)seed);
            var mean = matrix.mean([0], keepdim: true);                                             // [1, D]
            double spread = (matrix - mean).pow(Scalars.Of(2)).sum().item<float>() / matrix.size(0);
            for (int level = 0; level < vocabulary.Depth; level++)
            {
                int[] tokens = vocabulary.TokensOf(level).ToArray();
                int[] codes = [.. Enumerable.Range(0, tokens.Length).Where(code => tokens[code] >= 0)];
                var means = MeansOf(vectors, level, tokens.Length);                                 // [K, E]
                var centred = means - means.mean([0], keepdim: true);
                double own = Math.Max(centred.pow(Scalars.Of(2)).sum().item<float>() / centred.size(0), 1e-30);
                var rows =
                    centred.mm(randn([vectors.size(1), matrix.size(1)], generator: generator) / Scalars.Of(Math.Sqrt(matrix.size(1))));
                rows = mean.Plus(rows * Scalars.Of(Math.Sqrt(spread / own)));                       // [K, D]
                matrix.index_copy_(
                    0, tensor([.. codes.Select(code => (long)tokens[code])], dtype: ScalarType.Int64),
                    rows.index_select(0, tensor([.. codes.Select(code => (long)code)], dtype: ScalarType.Int64)));
            }
        }
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
