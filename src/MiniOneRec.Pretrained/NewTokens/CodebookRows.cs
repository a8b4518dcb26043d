using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>New rows from the quantiser's codebooks: near codes begin as near tokens.</summary>
/// <remarks>
/// Row = μ + s·(e − ē)·P, where μ is the mean of the known rows, e a code's vector, ē its level's mean, P a random matrix with orthonormal
/// rows (one for each level), and s gives each level the spread of the known rows. Distances between codes of a level keep their ratios.
/// </remarks>
public sealed class CodebookRows : TokenRowInitializer
{
    private readonly Tensor[] _codebooks;

    /// <summary>Makes the initialiser.</summary>
    /// <param name="codebooks">One codebook for each level, <c>[K, Z]</c>; not disposed here.</param>
    public CodebookRows(IReadOnlyList<Tensor> codebooks)
    {
        ArgumentNullException.ThrowIfNull(codebooks);
        foreach (var codebook in codebooks)
        {
            if (codebook.dim() != 2)
            {
                throw new ArgumentException($"A codebook has shape [{string.Join(", ", codebook.shape)}]; expected [K, Z].",
                    nameof(codebooks));
            }
        }

        _codebooks = [.. codebooks];
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The vocabulary has more levels or codes than the codebooks.</exception>
    public override Tensor MakeRows(Tensor known, SemanticIdVocabulary vocabulary, Generator generator)
    {
        ArgumentNullException.ThrowIfNull(known);
        ArgumentNullException.ThrowIfNull(vocabulary);

        using var scope = NewDisposeScope();
        var mean = Mean(known);                                                             // [D]
        double spread = Spread(known, mean);
        var levels = new List<Tensor>();
        for (int level = 0; level < vocabulary.Depth; level++)
        {
            long[] codes = [.. Codes(vocabulary, level)];
            if (level >= _codebooks.Length || (codes.Length > 0 && codes[^1] >= _codebooks[level].size(0)))
            {
                throw new ArgumentException(
                    $"Level {level} has tokens up to code {codes.LastOrDefault()}; "
                    + $"the codebooks are of sizes [{string.Join(", ", _codebooks.Select(c => c.size(0)))}].", nameof(vocabulary));
            }

            if (codes.Length > 0)
            {
                var book = _codebooks[level].detach().to(ScalarType.Float32, known.device);
                var centred = book - book.mean([0], keepdim: true);                         // [K, Z]
                double own = Math.Max(centred.pow(Scalars.Of(2)).sum().item<float>() / book.size(0), 1e-30);
                var rows = centred.index_select(0, tensor(codes, device: known.device))
                    .mm(Projection(book.size(1), known.size(1), generator).to(known.device));
                levels.Add(mean.Plus(rows * Scalars.Of(Math.Sqrt(spread / own))));                          // [R of the level, D]
            }
        }

        return cat(levels).MoveToOuterDisposeScope();                                       // [R, D]
    }

    private static IEnumerable<long> Codes(SemanticIdVocabulary vocabulary, int level) =>
        vocabulary.TokensOf(level).ToArray().Index().Where(entry => entry.Item >= 0).Select(entry => (long)entry.Index);

    // Orthonormal rows where the model is wider than the codebook; else a Gaussian projection, which keeps distances on average.
    private static Tensor Projection(long from, long to, Generator generator) => from <= to
        ? linalg.qr(randn(to, from, generator: generator)).Q.t()                            // [Z, D]
        : randn(from, to, generator: generator) / Scalars.Of(Math.Sqrt(to));
}
