using MiniOneRec.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>SASRec: item and position embeddings, causal blocks, a final norm, and the item embeddings again as the output.</summary>
/// <remarks>
/// Kang and McAuley (arXiv:1808.09781), section 3. Departures: queries, keys and values all come from the normalised input, the
/// feed-forward
/// network widens four times, attention weights are not dropped, and padding is on the right. The loss is a full softmax by default,
/// the paper's binary cross-entropy with one drawn item by option.
/// </remarks>
internal sealed class SasRecModel : SequentialModel
{
    private readonly double _dropout;

    [ComponentName(Name = "items")]
    private readonly Embedding _items;

    [ComponentName(Name = "positions")]
    private readonly Embedding _positions;

    [ComponentName(Name = "blocks")]
    private readonly ModuleList<SasRecBlock> _blocks;

    [ComponentName(Name = "norm")]
    private readonly LayerNorm _norm;

    /// <summary>Makes a model with fresh weights, drawn from torch's global generator.</summary>
    /// <param name="items">N.</param>
    /// <param name="options">The sizes.</param>
    public SasRecModel(int items, SasRecOptions options)
        : base(nameof(SasRecModel))
    {
        _dropout = options.Dropout;
        _items = nn.Embedding(items, options.HiddenSize);
        _positions = nn.Embedding(options.MaxLength, options.HiddenSize);
        _blocks = nn.ModuleList([.. Enumerable.Range(0, options.Layers).Select(_ => new SasRecBlock(options))]);
        _norm = nn.LayerNorm(options.HiddenSize);
        Initialize(_ => true);
    }

    /// <inheritdoc/>
    public override Tensor ItemEmbedding => _items.weight!;

    /// <inheritdoc/>
    public override Tensor Encode(Tensor items)
    {
        using var scope = NewDisposeScope();
        var positions = arange(Scalars.Of(0), Scalars.Of(items.size(1)), Scalars.Of(1), device: items.device);   // [T]
        var scale = Scalars.Of(Math.Sqrt(ItemEmbedding.size(1)));
        var x = (_items.forward(items) * scale).Plus(_positions.forward(positions));              // [B, T, D]
        x = F.dropout(x, _dropout, training);
        foreach (var block in _blocks)
        {
            x = block.forward(x);
        }

        return _norm.forward(x).MoveToOuterDisposeScope();
    }
}
