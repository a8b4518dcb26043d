using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Levels of codebooks, each coding what the levels above left over.</summary>
internal sealed class ResidualCodebooks(IReadOnlyList<Codebook> levels) : IQuantizerModel
{
    /// <summary>Gets the levels.</summary>
    public IReadOnlyList<Codebook> Levels => levels;

    public int Width => (int)levels[0].Centres.size(1);

    public Tensor Encode(Tensor x)
    {
        using var scope = NewDisposeScope();
        var codes = new Tensor[levels.Count];
        var residual = x;
        for (int level = 0; level < codes.Length; level++)
        {
            codes[level] = levels[level].Assign(residual);
            residual = residual - levels[level].Centres.index_select(0, codes[level]);
        }

        return stack(codes, 1).MoveToOuterDisposeScope();                                   // [n, L]
    }

    public Tensor Decode(Tensor codes) => Sum(codes, levels.Count);

    public Tensor Distances(Tensor x, Tensor codes, int level) => levels[level].Distances(level == 0 ? x : x - Sum(codes, level));

    /// <summary>Sums the codes of the first levels.</summary>
    public Tensor Sum(Tensor codes, int count)
    {
        using var scope = NewDisposeScope();
        var sum = levels[0].Centres.index_select(0, codes.select(1, 0));                    // [n, E]
        for (int level = 1; level < count; level++)
        {
            sum = sum.Plus(levels[level].Centres.index_select(0, codes.select(1, level)));
        }

        return sum.MoveToOuterDisposeScope();
    }

    public IReadOnlyList<(string Name, Tensor Value)> Tensors() =>
        [.. levels.Select((level, l) => ($"codebook.{l}", level.Centres)),
            .. levels.Index().Where(pair => pair.Item.Prices is not null).Select(pair => ($"prices.{pair.Index}", pair.Item.Prices!))];

    /// <summary>Makes codebooks of saved tensors.</summary>
    public static ResidualCodebooks Load(StoredTensors tensors, IReadOnlyList<int> sizes, Device device)
    {
        using var _ = no_grad();
        long width = tensors.Get("codebook.0", sizes[0], -1).size(1);
        return new ResidualCodebooks([.. sizes.Select((size, level) => new Codebook(
            tensors.Get($"codebook.{level}", size, width).to(device).clone(),
            tensors.Has($"prices.{level}") ? tensors.Get($"prices.{level}", size).to(device).clone() : null))]);
    }

    public void Dispose()
    {
        foreach (var level in levels)
        {
            level.Dispose();
        }
    }
}
