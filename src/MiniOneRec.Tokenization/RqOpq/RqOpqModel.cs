using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Residual levels, if any, then product codes of the rest.</summary>
internal sealed class RqOpqModel(ResidualCodebooks? residual, ProductCodebooks product) : IQuantizerModel
{
    private readonly int _residualLevels = residual?.Levels.Count ?? 0;

    public int Width => product.Width;

    public Tensor Encode(Tensor x)
    {
        if (residual is null)
        {
            return product.Encode(x);
        }

        var first = residual.Encode(x);                                                     // [n, residual levels]
        return cat([first, product.Encode(x - residual.Decode(first))], 1);                 // [n, L]
    }

    public Tensor Decode(Tensor codes)
    {
        var rest = product.Decode(codes.narrow(1, _residualLevels, codes.size(1) - _residualLevels));
        return residual is null ? rest : rest.Plus(residual.Decode(codes.narrow(1, 0, _residualLevels)));
    }

    public Tensor Distances(Tensor x, Tensor codes, int level)
    {
        if (level < _residualLevels)
        {
            return residual!.Distances(x, codes, level);
        }

        var rest = residual is null ? x : x - residual.Decode(codes.narrow(1, 0, _residualLevels));
        return product.Distances(rest, level - _residualLevels);
    }

    public IReadOnlyList<(string Name, Tensor Value)> Tensors() => [.. residual?.Tensors() ?? [], .. product.Tensors()];

    public void Dispose()
    {
        residual?.Dispose();
        product.Dispose();
    }
}
