using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>One block: self-attention, in the decoder attention to the encoder, feed-forward.</summary>
internal sealed class T5Block : nn.Module
{
    [ComponentName(Name = "layer")]
    private readonly ModuleList<nn.Module> _layers;

    public T5Block(T5Config config, bool isDecoder, bool ownsBias)
        : base(nameof(T5Block))
    {
        _layers = isDecoder
            ? new ModuleList<nn.Module>(new T5SelfLayer(config, ownsBias), new T5CrossLayer(config), new T5FeedForwardLayer(config))
            : new ModuleList<nn.Module>(new T5SelfLayer(config, ownsBias), new T5FeedForwardLayer(config));
        RegisterComponents();
    }

    public T5SelfLayer Self => (T5SelfLayer)_layers[0];

    public T5CrossLayer Cross => (T5CrossLayer)_layers[1];

    public T5FeedForwardLayer FeedForward => (T5FeedForwardLayer)_layers[_layers.Count - 1];
}

/// <summary>Encoder or decoder: blocks and a final norm.</summary>
internal sealed class T5Stack : nn.Module
{
    [ComponentName(Name = "block")]
    private readonly ModuleList<T5Block> _blocks;

    [ComponentName(Name = "final_layer_norm")]
    private readonly RmsNorm _norm;

    private readonly bool _isDecoder;
    private readonly double _dropout;

    public T5Stack(T5Config config, bool isDecoder)
        : base(nameof(T5Stack))
    {
        (_isDecoder, _dropout) = (isDecoder, config.Dropout);
        int layers = isDecoder ? config.DecoderLayers : config.EncoderLayers;
        _blocks = new ModuleList<T5Block>([.. Enumerable.Range(0, layers).Select(i => new T5Block(config, isDecoder, i == 0))]);
        _norm = new RmsNorm(config.ModelWidth, config.NormEpsilon);
        RegisterComponents();
    }

    /// <summary>Computes what the decoder attends to, one pair for each block.</summary>
    /// <param name="encoded"><c>[B, T, D]</c>.</param>
    public (Tensor Keys, Tensor Values)[] Remember(Tensor encoded) => [.. _blocks.Select(block => block.Cross.Attention.Remember(encoded))];

    /// <summary>Runs the blocks.</summary>
    /// <param name="x"><c>[B, T, D]</c>; in the decoder <c>[B·W, S, D]</c>.</param>
    /// <param name="mask">In the encoder <c>[B, 1, 1, T]</c>, 0 where a token counts and a large negative number elsewhere.</param>
    /// <param name="memory">In the decoder, what the encoder left.</param>
    public Tensor Forward(Tensor x, Tensor? mask, T5Memory? memory)
    {
        using var scope = NewDisposeScope();
        double dropout = training ? _dropout : 0;
        int length = (int)x.size(1);
        var bias = _blocks[0].Self.Attention.Biases(length, bothWays: !_isDecoder);         // [1, H, T, T]
        bias = bias.Plus(_isDecoder ? Causal(length, x) : mask!);
        x = T5Dropout.Apply(x, dropout);
        for (int i = 0; i < _blocks.Count; i++)
        {
            using var layer = NewDisposeScope();
            var h = _blocks[i].Self.Add(x, bias, dropout);
            if (memory is not null)
            {
                h = _blocks[i].Cross.Add(h, memory.Layers[i].Keys, memory.Layers[i].Values, memory.Mask, dropout);
            }

            x = _blocks[i].FeedForward.Add(h, dropout).MoveToOuterDisposeScope();
        }

        return T5Dropout.Apply(_norm.forward(x), dropout).MoveToOuterDisposeScope();
    }

    /// <summary>Runs new rows through the decoder; no dropout.</summary>
    /// <param name="x"><c>[R, D]</c>.</param>
    /// <param name="cache">What the rows attend to; receives their keys and values.</param>
    /// <param name="plan">Where the rows belong.</param>
    /// <returns><c>[R, D]</c>.</returns>
    public Tensor Extend(Tensor x, T5DecodingCache cache, T5StepPlan plan)
    {
        using var scope = NewDisposeScope();
        var bias = _blocks[0].Self.Attention.BiasesOf(plan.Distances, plan.Width);          // [R, H, 1, S]
        if (plan.ChainBias is not null)
        {
            bias = bias.Plus(plan.ChainBias.to_type(bias.dtype));
        }

        for (int i = 0; i < _blocks.Count; i++)
        {
            using var layer = NewDisposeScope();
            var (keys, values) = cache.Memory.Layers[i];
            var h = _blocks[i].Self.Extend(x, cache.Layers[i], plan, bias);
            h = _blocks[i].Cross.Extend(h, keys, values, cache.Memory.Mask, plan.Groups);
            x = _blocks[i].FeedForward.Add(h, 0).MoveToOuterDisposeScope();
        }

        return _norm.forward(x).MoveToOuterDisposeScope();
    }

    private static Tensor Causal(int length, Tensor x)
    {
        using var ones = torch.ones(length, length, dtype: ScalarType.Bool, device: x.device);
        using var later = ones.triu(1);
        return zeros(length, length, dtype: x.dtype, device: x.device).masked_fill_(later, Scalars.Of(T5Memory.Hidden));
    }
}
