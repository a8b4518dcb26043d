using MiniOneRec.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>HSTU: item and position embeddings, blocks of pointwise attention, and cosines with the item embeddings as the
/// output.</summary>
/// <remarks>
/// Zhai et al. (arXiv:2402.17152), section 3.2 and the authors' public configuration for next items. Departures: only items are read, no
/// actions; the time between two items counts from the item behind which a prediction is made, not from the time of the item that is
/// predicted; weight decay is AdamW's, 0 by default.
/// </remarks>
internal sealed class HstuModel : SequentialModel
{
    private const double NormEpsilon = 1e-6;
    private readonly double _dropout;
    private readonly double _temperature;
    private readonly bool _readsTimes;

    [ComponentName(Name = "items")]
    private readonly Embedding _items;

    [ComponentName(Name = "positions")]
    private readonly Embedding _positions;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<HstuBlock> _blocks;

    /// <summary>Makes a model with fresh weights, drawn from torch's global generator.</summary>
    /// <param name="items">N.</param>
    /// <param name="options">The sizes; weights for times only where <see cref="HstuOptions.TimeBias"/> is true.</param>
    public HstuModel(int items, HstuOptions options)
        : base(nameof(HstuModel))
    {
        (_dropout, _temperature, _readsTimes) = (options.Dropout, options.Temperature, options.TimeBias == true);
        _items = nn.Embedding(items, options.HiddenSize);
        _positions = nn.Embedding(options.MaxLength, options.HiddenSize);
        _blocks = nn.ModuleList([.. Enumerable.Range(0, options.Layers).Select(_ => new HstuBlock(options))]);
        Initialize(name => name is "items.weight" or "positions.weight");
    }

    /// <inheritdoc/>
    public override Tensor ItemEmbedding => _items.weight!;

    /// <inheritdoc/>
    public override Tensor Outputs() => F.normalize(ItemEmbedding, dim: 1, eps: NormEpsilon);                   // [N, D]

    /// <inheritdoc/>
    public override Tensor Encode(Tensor items) => Encode(items, null);

    /// <inheritdoc/>
    public override Tensor Encode(Tensor items, Tensor? times)
    {
        using var scope = NewDisposeScope();
        var positions = arange(Scalars.Of(0), Scalars.Of(items.size(1)), Scalars.Of(1), device: items.device);  // [T]
        var scale = Scalars.Of(Math.Sqrt(ItemEmbedding.size(1)));
        var x = (_items.forward(items) * scale).Plus(_positions.forward(positions));                            // [B, T, D]
        x = F.dropout(x, _dropout, training);
        var buckets = times is null || !_readsTimes ? null : HstuBlock.Buckets(times);                          // [B, T, T]
        foreach (var block in _blocks)
        {
            x = block.Forward(x, buckets);
        }

        return x.MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    protected override Tensor Query(Tensor states)
    {
        using var scope = NewDisposeScope();
        return (F.normalize(states, dim: 1, eps: NormEpsilon) / Scalars.Of(_temperature)).MoveToOuterDisposeScope();
    }
}
