using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Tokenization;

/// <summary>Linear layers with ReLU between them; before each layer dropout, after each but the last batch normalisation, both
/// optional.</summary>
/// <remarks>Weights start Xavier-normal, biases at 0. With <c>residual</c> it computes x + MLP(x), and the last layer starts at
/// 0.</remarks>
internal sealed class Mlp : nn.Module<Tensor, Tensor>
{
    [ComponentName(Name = "layers")]
    private readonly ModuleList<Linear> _layers;

    [ComponentName(Name = "norms")]
    private readonly ModuleList<BatchNorm1d> _norms;

    private readonly double _dropout;
    private readonly bool _residual;

    /// <param name="widths">Widths from input to output, at least two.</param>
    /// <param name="dropout">The share of a layer's input that is dropped in training.</param>
    /// <param name="batchNorm">Whether hidden layers are normalised.</param>
    /// <param name="residual">Whether the input is added to the output.</param>
    public Mlp(IReadOnlyList<long> widths, double dropout, bool batchNorm, bool residual = false)
        : base(nameof(Mlp))
    {
        (_dropout, _residual) = (dropout, residual);
        _layers = new ModuleList<Linear>([.. widths.Zip(widths.Skip(1), (input, output) => nn.Linear(input, output))]);
        _norms = new ModuleList<BatchNorm1d>(batchNorm ? [.. widths.Skip(1).SkipLast(1).Select(width => nn.BatchNorm1d(width))] : []);
        using (no_grad())
        {
            foreach (var layer in _layers)
            {
                nn.init.xavier_normal_(layer.weight);
                nn.init.zeros_(layer.bias!);
            }

            if (residual)
            {
                nn.init.zeros_(_layers[^1].weight);
            }
        }

        RegisterComponents();
    }

    /// <summary>Gets the layer that reads the input.</summary>
    public Linear First => _layers[0];

    /// <summary>Gets the layer that writes the output; <see cref="First"/> where there is one.</summary>
    public Linear Last => _layers[^1];

    /// <summary>Requires that a file has the layers of these widths, before anything of their size is made.</summary>
    /// <exception cref="InvalidDataException">A layer is missing or has another shape; the message names file and key.</exception>
    public static void Require(StoredTensors tensors, string name, IReadOnlyList<long> widths)
    {
        for (int layer = 0; layer + 1 < widths.Count; layer++)
        {
            tensors.Get($"{name}.layers.{layer}.weight", widths[layer + 1], widths[layer]);
        }
    }

    public override Tensor forward(Tensor x)                                                // [B, in]
    {
        using var scope = NewDisposeScope();
        var h = x;
        for (int i = 0; i < _layers.Count; i++)
        {
            if (_dropout > 0 && training)
            {
                h = F.dropout(h, _dropout, training: true);
            }

            h = F.linear(h, _layers[i].weight, _layers[i].bias);                            // [B, width]
            if (i < _layers.Count - 1)
            {
                h = _norms.Count > 0 ? Normalize(_norms[i], h).relu_() : h.relu_();
            }
        }

        return (_residual ? h.PlusInPlace(x) : h).MoveToOuterDisposeScope();
    }

    // The module's own forward counts its batches by a number that nothing holds.
    private static Tensor Normalize(BatchNorm1d norm, Tensor h)
    {
        if (norm.training)
        {
            norm.num_batches_tracked?.PlusInPlace(Scalars.Of(1));
        }

        return F.batch_norm(h, norm.running_mean, norm.running_var, norm.weight, norm.bias, norm.training, norm.momentum ?? 0.1, norm.eps);
    }
}
