using MiniOneRec.Tensors;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>Caser: horizontal and vertical convolutions over the embeddings of the last items.</summary>
/// <remarks>
/// Tang and Wang (arXiv:1809.07426), section 3. Departures: full softmax by default, the paper's binary cross-entropy by option; no user
/// embedding (users of the test are new); output weights tied to the embeddings through one linear layer; AdamW. Positions before a
/// history's first item hold zeros.
/// </remarks>
internal sealed class CaserModel : SequentialModel
{
    private readonly int _window;
    private readonly double _dropout;

    [ComponentName(Name = "items")]
    private readonly Embedding _items;

    [ComponentName(Name = "horizontal")]
    private readonly ModuleList<Conv1d> _horizontal;

    [ComponentName(Name = "vertical")]
    private readonly Linear _vertical;

    [ComponentName(Name = "out")]
    private readonly Linear _out;

    /// <summary>Makes a model with fresh weights, drawn from torch's global generator.</summary>
    /// <param name="items">N.</param>
    /// <param name="options">The sizes.</param>
    public CaserModel(int items, CaserOptions options)
        : base(nameof(CaserModel))
    {
        (_window, _dropout) = (options.Window, options.Dropout);
        _items = nn.Embedding(items, options.HiddenSize);
        _horizontal =
            nn.ModuleList([.. options.Heights.Select(height => nn.Conv1d(options.HiddenSize, options.HorizontalFilters, height))]);
        _vertical = nn.Linear(options.Window, options.VerticalFilters, hasBias: false);
        _out = nn.Linear(options.Heights.Count * options.HorizontalFilters + options.VerticalFilters * options.HiddenSize,
            options.HiddenSize);
        Initialize(name => name == "items.weight");
        nn.init.constant_(_vertical.weight!, Scalars.Of(1.0 / options.Window));             // a mean of the window is a good start
    }

    /// <inheritdoc/>
    public override Tensor ItemEmbedding => _items.weight!;

    /// <inheritdoc/>
    public override Tensor Encode(Tensor items)
    {
        using var scope = NewDisposeScope();
        (long batch, long time) = (items.size(0), items.size(1));
        var x = _items.forward(items) * Scalars.Of(Math.Sqrt(ItemEmbedding.size(1)));       // [B, T, D]
        var windows = F.pad(x, [0, 0, _window - 1, 0]).unfold(1, _window, 1).flatten(0, 1); // [B·T, D, W]
        var features = new List<Tensor>();
        foreach (var filter in _horizontal)
        {
            features.Add(F.relu(filter.forward(windows)).amax([2]));                        // [B·T, F]
        }

        features.Add(_vertical.forward(windows).flatten(1));                                // [B·T, D·Fv]
        var hidden = F.dropout(cat(features, 1), _dropout, training);
        return _out.forward(hidden).view(batch, time, -1).MoveToOuterDisposeScope();        // [B, T, D]
    }
}
