using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>A trained <see cref="RqVae"/> as a quantizer; distances are measured in the latent space.</summary>
internal sealed class RqVaeModel(RqVae model, int width) : IQuantizerModel
{
    public int Width => width;

    public Tensor Encode(Tensor x) => model.Quantizer.Encode(model.Encode(x));

    public Tensor Decode(Tensor codes) => model.Decode(model.Quantizer.Sum(codes, model.Quantizer.Levels.Count));

    public Tensor Distances(Tensor x, Tensor codes, int level)
    {
        var z = model.Encode(x);                                                            // [n, Z]
        return model.Quantizer.Levels[level].Distances(level == 0 ? z : z - model.Quantizer.Sum(codes, level));
    }

    public IReadOnlyList<(string Name, Tensor Value)> Tensors() => model.Tensors();

    public void Dispose() => model.Dispose();

    /// <summary>Makes a model of saved tensors.</summary>
    public static RqVaeModel Load(StoredTensors tensors, RqVaeOptions options, bool residualEncoder, Device device)
    {
        int width = (int)tensors.Get("encoder.layers.0.weight", -1, -1).size(1);
        Mlp.Require(tensors, "encoder", [width, .. options.HiddenWidths, residualEncoder ? width : options.LatentWidth]);
        foreach (var (level, size) in options.CodebookSizes.Index())
        {
            tensors.Get($"quantizer.levels.{level}.codebook", size, residualEncoder ? width : options.LatentWidth);
        }

        var model = new RqVae(options, width, residualEncoder);
        tensors.CopyInto(model.Tensors());
        model.to(device);
        model.eval();
        return new RqVaeModel(model, width);
    }
}
