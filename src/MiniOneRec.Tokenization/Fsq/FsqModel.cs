using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Encoder, rounding and decoder; distances are measured in the rounded space.</summary>
internal sealed class FsqModel : IQuantizerModel
{
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
