using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Encoder, rounding and decoder; distances are measured in the rounded space.</summary>
internal sealed class FsqModel : IQuantizerModel
{
    private const double LeastVariance = 1e-4;                                              // of the largest; below it a direction is noise
    private readonly Mlp _encoder;
    private readonly Mlp _decoder;
    private readonly FiniteScalarQuantizer _scalar;

    public FsqModel(FsqOptions options, int width, Device device)
    {
        Width = width;
        _scalar = new FiniteScalarQuantizer(options.Steps, device);
        long[] widths = [width, .. options.HiddenWidths, _scalar.Width];
        _encoder = new Mlp(widths, 0, batchNorm: false);
        _decoder = new Mlp([.. widths.Reverse()], 0, batchNorm: false);
        _encoder.to(device);
        _decoder.to(device);
        Parameters = [.. _encoder.parameters(), .. _decoder.parameters()];
    }

    public int Width { get; }

    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Makes the latent dimensions uncorrelated, of unit variance, and centred on the middle of their steps.</summary>
    /// <remarks>
    /// The latents of a random encoder may differ by far less than a step (text vectors: by two hundredths, where the nearest step is a
    /// third away). Then all items have the same codes, the decoder sees a constant and learns the mean, and nothing tells the encoder in
    /// which direction to go.
    /// </remarks>
    /// <param name="x">Standardised vectors, <c>[N, E]</c>.</param>
    public void Spread(Tensor x)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var z = _encoder.forward(x);                                                        // [N, Z]
        var mean = z.mean([0]);
        var centred = z - mean;
        var (variances, axes) = linalg.eigh(centred.t().mm(centred) / Scalars.Of(x.size(0)));   // ascending
        var floor = (variances.max() * Scalars.Of(LeastVariance)).clamp_min(Scalars.Of(float.Epsilon));
        var whiten = (axes / maximum(variances, floor).sqrt()).mm(axes.t());                // [Z, Z], symmetric
        var last = _encoder.Last;
        var bias = whiten.mv(last.bias! - mean).Plus(_scalar.Middle);
        last.weight.copy_(whiten.mm(last.weight));
        last.bias!.copy_(bias);
    }

    /// <summary>Makes a model that was trained on standardised vectors one of the vectors as they are.</summary>
    public void Absorb(VectorScale scale)
    {
        using var scope = NewDisposeScope();
        using var _ = no_grad();
        var deviation = Scalars.Of(scale.Deviation);
        _encoder.First.weight.div_(deviation);
        _encoder.First.bias!.sub_(_encoder.First.weight.mv(scale.Mean));
        _decoder.Last.weight.mul_(deviation);
        _decoder.Last.bias!.mul_(deviation).PlusInPlace(scale.Mean);
    }

    /// <summary>Reconstructs vectors with gradients, <c>[B, E]</c>.</summary>
    public Tensor Forward(Tensor x)
    {
        using var scope = NewDisposeScope();
        return _decoder.forward(_scalar.Quantise(_scalar.Bound(_encoder.forward(x)))).MoveToOuterDisposeScope();
    }

    public Tensor Encode(Tensor x) => _scalar.Codes(_scalar.Bound(_encoder.forward(x)));

    public Tensor Decode(Tensor codes) => _decoder.forward(_scalar.Scale(_scalar.Points(codes)));

    public Tensor Distances(Tensor x, Tensor codes, int level) => _scalar.Distances(_scalar.Bound(_encoder.forward(x)), level);

    public IReadOnlyList<(string Name, Tensor Value)> Tensors() =>
    [
        .. _encoder.named_parameters().Select(pair => ("encoder." + pair.name, (Tensor)pair.parameter)),
        .. _decoder.named_parameters().Select(pair => ("decoder." + pair.name, (Tensor)pair.parameter)),
    ];

    public void Dispose()
    {
        _encoder.Dispose();
        _decoder.Dispose();
        _scalar.Dispose();
    }
}
