using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Self-attention behind a norm, added to its input.</summary>
internal sealed class T5SelfLayer : nn.Module
{
    [ComponentName(Name = "SelfAttention")]
    private readonly T5Attention _attention;

    [ComponentName(Name = "layer_norm")]
    private readonly RmsNorm _norm;

    public T5SelfLayer(T5Config config, bool ownsBias)
        : base(nameof(T5SelfLayer))
    {
        _attention = new T5Attention(config, ownsBias);
        _norm = new RmsNorm(config.ModelWidth, config.NormEpsilon);
        RegisterComponents();
    }

    public T5Attention Attention => _attention;

    public Tensor Add(Tensor x, Tensor bias, double dropout)
    {
        using var scope = NewDisposeScope();
        var normed = _norm.forward(x);                                          // [B, T, D]
        var (keys, values) = _attention.Remember(normed);                       // [B, H, T, Dh]
        return x.Plus(T5Dropout.Apply(_attention.Attend(normed, keys, values, bias), dropout)).MoveToOuterDisposeScope();
    }

    /// <summary>Attends from new rows to the rows that they see.</summary>
    /// <param name="x"><c>[R, D]</c>.</param>
    /// <param name="cache">Receives the rows' keys and values.</param>
    /// <param name="plan">Which rows each row sees.</param>
    /// <param name="bias"><c>[R, H, 1, S]</c>.</param>
    /// <returns><c>[R, D]</c>.</returns>
    public Tensor Extend(Tensor x, T5DecodingCache.Layer cache, T5StepPlan plan, Tensor bias)
    {
        using var scope = NewDisposeScope();
        var normed = _norm.forward(x).unsqueeze(1);                             // [R, 1, D]
        var (keys, values) = _attention.Remember(normed);                       // [R, H, 1, Dh]
        cache.Append(keys.squeeze(2), values.squeeze(2));
        Tensor Seen(Tensor rows) =>
            rows.index_select(0, plan.Seen).view(x.size(0), plan.Width, rows.size(1), rows.size(2)).transpose(1, 2);    // [R, H, S, Dh]
        return x.Plus(_attention.Attend(normed, Seen(cache.Keys!), Seen(cache.Values!), bias).squeeze(1)).MoveToOuterDisposeScope();
    }
}

/// <summary>Attention from the decoder to the encoder's output, behind a norm, added to its input.</summary>
internal sealed class T5CrossLayer : nn.Module
{
    [ComponentName(Name = "EncDecAttention")]
    private readonly T5Attention _attention;

    [ComponentName(Name = "layer_norm")]
    private readonly RmsNorm _norm;

    public T5CrossLayer(T5Config config)
        : base(nameof(T5CrossLayer))
    {
        _attention = new T5Attention(config, false);
        _norm = new RmsNorm(config.ModelWidth, config.NormEpsilon);
        RegisterComponents();
    }

    public T5Attention Attention => _attention;

    public Tensor Add(Tensor x, Tensor keys, Tensor values, Tensor bias, double dropout)
    {
        using var scope = NewDisposeScope();
        return x.Plus(T5Dropout.Apply(_attention.Attend(_norm.forward(x), keys, values, bias), dropout)).MoveToOuterDisposeScope();
    }

    /// <summary>Attends from new rows to what the encoder left of their prompts, one product for all rows of a prompt.</summary>
    /// <param name="x"><c>[R, D]</c>.</param>
    /// <param name="keys"><c>[B, H, T, Dh]</c>.</param>
    /// <param name="values"><c>[B, H, T, Dh]</c>.</param>
    /// <param name="mask"><c>[B, 1, 1, T]</c>.</param>
    /// <param name="groups">The rows by prompt.</param>
    /// <returns><c>[R, D]</c>.</returns>
    public Tensor Extend(Tensor x, Tensor keys, Tensor values, Tensor mask, PromptGroups groups)
    {
        using var scope = NewDisposeScope();
        var queries = groups.ToPadded(_norm.forward(x));                        // [B, W, D]
        var y = _attention.Attend(queries.view(-1, 1, x.size(1)), groups.PromptsOf(keys), groups.PromptsOf(values), groups.PromptsOf(mask));
        return x.Plus(groups.ToPacked(y.view(queries.shape))).MoveToOuterDisposeScope();
    }
}

/// <summary>The feed-forward block behind a norm, added to its input.</summary>
internal sealed class T5FeedForwardLayer : nn.Module
{
    [ComponentName(Name = "DenseReluDense")]
    private readonly T5FeedForward _block;

    [ComponentName(Name = "layer_norm")]
    private readonly RmsNorm _norm;

    public T5FeedForwardLayer(T5Config config)
        : base(nameof(T5FeedForwardLayer))
    {
        _block = new T5FeedForward(config);
        _norm = new RmsNorm(config.ModelWidth, config.NormEpsilon);
        RegisterComponents();
    }

    public Tensor Add(Tensor x, double dropout)
    {
        using var scope = NewDisposeScope();
        return x.Plus(T5Dropout.Apply(_block.Forward(_norm.forward(x), dropout), dropout)).MoveToOuterDisposeScope();
    }
}

/// <summary><c>W_o f(W_i x)</c>, where f is ReLU or what the configuration names.</summary>
internal sealed class T5FeedForward : nn.Module
{
    [ComponentName(Name = "wi")]
    private readonly Projection _in;

    [ComponentName(Name = "wo")]
    private readonly Projection _out;

    private readonly Activation _activation;

    public T5FeedForward(T5Config config)
        : base(nameof(T5FeedForward))
    {
        _activation = config.Activation;
        _in = new Projection(config.ModelWidth, config.FeedForwardWidth, false, config.InitializerFactor / Math.Sqrt(config.ModelWidth));
        _out = new Projection(config.FeedForwardWidth, config.ModelWidth, false,
            config.InitializerFactor / Math.Sqrt(config.FeedForwardWidth));
        RegisterComponents();
    }

    public Tensor Forward(Tensor x, double dropout)
    {
        using var scope = NewDisposeScope();
        return _out.forward(T5Dropout.Apply(Activations.Apply(_activation, _in.forward(x)), dropout)).MoveToOuterDisposeScope();
    }
}

/// <summary>Dropout at a rate that is 0 outside training.</summary>
internal static class T5Dropout
{
    public static Tensor Apply(Tensor x, double rate) => rate > 0 ? F.dropout(x, rate, training: true) : x;
}
