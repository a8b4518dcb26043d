using MiniOneRec.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>GRU4Rec: item embeddings, gated recurrent layers, and the item embeddings again as the output.</summary>
/// <remarks>
/// Hidasi et al. (arXiv:1511.06939), section 3. Departures: full softmax by default, with TOP1 and BPR-max by option, whose negatives are
/// drawn uniformly and not from the mini-batch; whole sequences instead of session-parallel mini-batches; output weights tied to the
/// embeddings through one linear layer; AdamW.
/// </remarks>
internal sealed class Gru4RecModel : SequentialModel
{
    private readonly double _dropout;

    [ComponentName(Name = "items")]
    private readonly Embedding _items;

    [ComponentName(Name = "gru")]
    private readonly GRU _gru;

    [ComponentName(Name = "out")]
    private readonly Linear _out;

    /// <summary>Makes a model with fresh weights, drawn from torch's global generator.</summary>
    /// <param name="items">N.</param>
    /// <param name="options">The sizes.</param>
    public Gru4RecModel(int items, Gru4RecOptions options)
        : base(nameof(Gru4RecModel))
    {
        _dropout = options.Dropout;
        _items = nn.Embedding(items, options.HiddenSize);
        _gru = nn.GRU(options.HiddenSize, options.HiddenSize, options.Layers, batchFirst: true,
            dropout: options.Layers > 1 ? options.Dropout : 0);
        _out = nn.Linear(options.HiddenSize, options.HiddenSize);
        Initialize(name => name == "items.weight");
    }

    /// <inheritdoc/>
    public override Tensor ItemEmbedding => _items.weight!;

    /// <inheritdoc/>
    public override Tensor Encode(Tensor items)
    {
        using var scope = NewDisposeScope();
        var x = F.dropout(_items.forward(items) * Scalars.Of(Math.Sqrt(ItemEmbedding.size(1))), _dropout, training);   // [B, T, D]
        var (states, _) = _gru.forward(x);                                                  // [B, T, D]
        return _out.forward(F.dropout(states, _dropout, training)).MoveToOuterDisposeScope();
    }
}
