using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Grouped-query attention with rotary positions, over packed tokens or over beams on shared prompts.</summary>
/// <remarks>GQA: arXiv:2305.13245. A key/value head serves <c>H / Hkv</c> query heads; keys and values are never repeated in memory.</remarks>
internal sealed class DecoderAttention : nn.Module
{
    [ComponentName(Name = "q_proj")]
    private readonly Projection _q;

    [ComponentName(Name = "k_proj")]
    private readonly Projection _k;

    [ComponentName(Name = "v_proj")]
    private readonly Projection _v;

    [ComponentName(Name = "o_proj")]
    private readonly Projection _o;

    [ComponentName(Name = "q_norm")]
    private readonly RmsNorm? _qNorm;

    [ComponentName(Name = "k_norm")]
    private readonly RmsNorm? _kNorm;

    private readonly PackedWeight _packedInput;
    private readonly PackedWeight _packedOutput;
    private readonly long _heads;
    private readonly long _kvHeads;
    private readonly long _width;
    private readonly double _scale;
    private readonly int _window;

    public DecoderAttention(DecoderConfig config, int layer, WeightPacking packing)
        : base(nameof(DecoderAttention))
    {
        _window = config.WindowOf(layer);
        (_heads, _kvHeads, _width) = (config.HeadCount, config.KeyValueHeadCount, config.HeadWidth);
        _scale = 1 / Math.Sqrt(_width);
        double deviation = config.InitializerRange;
        _q = new Projection(config.HiddenSize, _heads * _width, config.AttentionBias, deviation);
        _k = new Projection(config.HiddenSize, _kvHeads * _width, config.AttentionBias, deviation);
        _v = new Projection(config.HiddenSize, _kvHeads * _width, config.AttentionBias, deviation);
        _o = new Projection(_heads * _width, config.HiddenSize, config.AttentionBias && config.ModelType != "qwen2", deviation);
        _qNorm = config.QueryKeyNorm ? new RmsNorm(_width, config.NormEpsilon) : null;
        _kNorm = config.QueryKeyNorm ? new RmsNorm(_width, config.NormEpsilon) : null;
        RegisterComponents();
        _packedInput = packing.Of(() => [(_q.Weight, _q.Bias), (_k.Weight, _k.Bias), (_v.Weight, _v.Bias)]);
        _packedOutput = _o.Packed(packing);
    }

    /// <summary>Applies the output projection.</summary>
    /// <param name="y">Attended heads, <c>[N, H·Dh]</c>.</param>
    /// <returns><c>[N, D]</c>.</returns>
    public Tensor Output(Tensor y) => _o.forward(y);

    /// <summary>Applies the output projection and adds a residual, within the product where the weight is packed.</summary>
    /// <param name="residual"><c>[N, D]</c>.</param>
    /// <param name="y">Attended heads, <c>[N, H·Dh]</c>.</param>
    /// <returns><c>[N, D]</c>.</returns>
    public Tensor AddTo(Tensor residual, Tensor y)
    {
        using var scope = NewDisposeScope();
        return (_o.Adapter is null && _packedOutput.BlocksFor(y) is [var output] ? output.Plus(y, residual) : residual.Plus(_o.forward(y))).MoveToOuterDisposeScope();
    }

    /// <summary>Attends within each tree of a packed batch.</summary>
    /// <param name="x"><c>[N, D]</c>.</param>
    /// <param name="batch">What separates the trees.</param>
    /// <param name="cos"><c>[N, 1, Dh]</c>.</param>
    /// <param name="sin"><c>[N, 1, Dh]</c>.</param>
    /// <param name="cache">Receives keys and values, or <see langword="null"/>.</param>
    /// <returns>Attended heads, <c>[N, H·Dh]</c>.</returns>
    public Tensor Forward(Tensor x, TokenBatch batch, Tensor cos, Tensor sin, PromptCache? cache)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = Project(x, cos, sin);                                               // [N, H or Hkv, Dh]
        k = batch.ToPadded(k).transpose(1, 2);                                              // [B, Hkv, T, Dh]
        v = batch.ToPadded(v).transpose(1, 2);                                              // [B, Hkv, T, Dh]
        if (cache is not null)
        {
            var layer = cache.AddPrompt(k, v);
            if (CpuAttention.Run(q, layer.PromptKeys, layer.PromptValues, null, null, batch.Rows, _scale, _window) is { } attended)
            {
                return attended.MoveToOuterDisposeScope();                                  // [N, H·Dh]
            }
        }

        q = batch.ToPadded(q).transpose(1, 2);                                              // [B, H, T, Dh]
        var mask = batch.MaskFor(_window);                                                  // [B or 1, 1, T, T]
        var y = x.dtype == ScalarType.BFloat16 && x.device_type == DeviceType.CPU
            ? AttendByHand(q, k, v, mask)
            : mask is null && _heads == _kvHeads
                ? F.scaled_dot_product_attention(q, k, v, is_casual: true)
                : Aten.ScaledDotProductAttention(q, k, v, mask, mask is null, null, _heads != _kvHeads);              // [B, H, T, Dh]
        return batch.ToPacked(y.transpose(1, 2).reshape(batch.Count, batch.MaxLength, _heads * _width)).MoveToOuterDisposeScope();   // [N, H·Dh]
    }

    /// <summary>Attends from the last token of each prompt alone.</summary>
    /// <param name="x"><c>[N, D]</c>.</param>
    /// <param name="batch">The prompts, chains.</param>
    /// <param name="cos"><c>[N, 1, Dh]</c>.</param>
    /// <param name="sin"><c>[N, 1, Dh]</c>.</param>
    /// <param name="cache">Receives keys and values of all tokens.</param>
    /// <param name="last">Where the last tokens stand among the N, <c>[B]</c>.</param>
    /// <returns>Attended heads, <c>[B, H·Dh]</c>.</returns>
    public Tensor ForwardLast(Tensor x, TokenBatch batch, Tensor cos, Tensor sin, PromptCache cache, Tensor last)
    {
        using var scope = NewDisposeScope();
        long prompts = batch.Count, group = _heads / _kvHeads;
        var (q, k, v) = Project(x, cos, sin);                                               // [N, H or Hkv, Dh]
        var layer = cache.AddPrompt(batch.ToPadded(k).transpose(1, 2), batch.ToPadded(v).transpose(1, 2));            // [B, Hkv, T, Dh]
        var folded = q.index_select(0, last).view(prompts * _kvHeads, group, _width);       // [B·Hkv, G, Dh]
        var scores = bmm(folded, layer.PromptKeys.view(prompts * _kvHeads, batch.MaxLength, _width).transpose(1, 2))
            .view(prompts, _kvHeads, group, batch.MaxLength).to_type(ScalarType.Float32) * Scalars.Of(_scale);        // [B, Hkv, G, T]
        if (cache.PromptBias is not null)
        {
            scores = scores.Plus(cache.PromptBias);
        }

        if (cache.LastBias(_window) is { } beyond)
        {
            scores = scores.Plus(beyond);
        }

        var weights = scores.softmax(3).to_type(x.dtype).view(prompts * _kvHeads, group, batch.MaxLength);
        return bmm(weights, layer.PromptValues.view(prompts * _kvHeads, batch.MaxLength, _width))
            .view(prompts, _heads * _width).MoveToOuterDisposeScope();                      // [B, H·Dh]
    }

    /// <summary>Attends from new rows to their prompts, their ancestors and themselves.</summary>
    /// <param name="x"><c>[R, D]</c>.</param>
    /// <param name="layer">The layer's cache; receives the rows' keys and values.</param>
    /// <param name="plan">Where the rows belong.</param>
    /// <returns>Attended heads, <c>[R, H·Dh]</c>.</returns>
    public Tensor Extend(Tensor x, PromptCache.Layer layer, ExtensionPlan plan)
    {
        using var scope = NewDisposeScope();
        long group = _heads / _kvHeads, rows = x.size(0), prompts = plan.Groups.Prompts, wide = plan.Groups.RowsPerPrompt, past = layer.PromptKeys.size(2), chain = plan.ChainLength;
        var (q, k, v) = Project(x, plan.Cos, plan.Sin);                                     // [R, H or Hkv, Dh]
        layer.Append(k, v);
        if (CpuAttention.Run(q, layer.PromptKeys, layer.PromptValues, layer.Keys, layer.Values, plan.Rows, _scale, _window) is { } attended)
        {
            return attended.MoveToOuterDisposeScope();                                      // [R, H·Dh]
        }

        // Scores against the prompt: the beams of a prompt and the heads of a group are rows of one product.
        var folded = plan.Groups.ToPadded(q.view(rows, _kvHeads, group, _width))                   // [B, W, Hkv, G, Dh]
            .transpose(1, 2).reshape(prompts * _kvHeads, wide * group, _width);             // [B·Hkv, W·G, Dh]
        var prompt = plan.Groups.PromptsOf(layer.PromptKeys).reshape(prompts * _kvHeads, past, _width);
        var scores = bmm(folded, prompt.transpose(1, 2))                                    // [B·Hkv, W·G, P]
            .view(prompts, _kvHeads, wide * group, past).to_type(ScalarType.Float32) * Scalars.Of(_scale);
        if (plan.PromptBias is not null)
        {
            scores = scores.Plus(plan.PromptBias);
        }

        scores = plan.Groups.ToPacked(scores.view(prompts, _kvHeads, wide, group, past).transpose(1, 2));   // [R, Hkv, G, P]
        var (promptBeyond, chainBeyond) = plan.WindowBias(_window);
        if (promptBeyond is not null)
        {
            scores = scores.Plus(promptBeyond);
        }

        // Scores against the row's own few ancestors.
        var keys = layer.Keys!.index_select(0, plan.Ancestors).view(rows, chain, _kvHeads, _width);      // [R, S, Hkv, Dh]
        var values = layer.Values!.index_select(0, plan.Ancestors).view(rows, chain, _kvHeads, _width);  // [R, S, Hkv, Dh]
        var own = bmm(q.view(rows * _kvHeads, group, _width), keys.permute(0, 2, 3, 1).reshape(rows * _kvHeads, _width, chain))
            .view(rows, _kvHeads, group, chain).to_type(ScalarType.Float32) * Scalars.Of(_scale);       // [R, Hkv, G, S]
        if (plan.ChainBias is not null)
        {
            own = own.Plus(plan.ChainBias);
        }

        if (chainBeyond is not null)
        {
            own = own.Plus(chainBeyond);
        }

        var weights = cat([scores, own], 3).softmax(3).to_type(x.dtype);                    // [R, Hkv, G, P + S]
        var promptWeights = plan.Groups.ToPadded(weights.narrow(3, 0, past)).transpose(1, 2)       // [B, Hkv, W, G, P]
            .reshape(prompts * _kvHeads, wide * group, past);
        var promptValues = plan.Groups.PromptsOf(layer.PromptValues).reshape(prompts * _kvHeads, past, _width);
        var y = bmm(promptWeights, promptValues).view(prompts, _kvHeads, wide, group, _width).transpose(1, 2);
        var ownY = bmm(weights.narrow(3, past, chain).reshape(rows * _kvHeads, group, chain), values.transpose(1, 2).reshape(rows * _kvHeads, chain, _width));
        return plan.Groups.ToPacked(y).reshape(rows, _heads * _width).Plus(ownY.view(rows, _heads * _width)).MoveToOuterDisposeScope();       // [R, H·Dh]
    }

    private (Tensor Q, Tensor K, Tensor V) Project(Tensor x, Tensor cos, Tensor sin)
    {
        long rows = x.size(0);
        Tensor q, k, v;
        if (_q.Adapter is null && _k.Adapter is null && _v.Adapter is null && _packedInput.BlocksFor(x) is [var input])
        {
            var all = input.Linear(x).view(rows, _heads + 2 * _kvHeads, _width);            // [N, H + 2·Hkv, Dh]
            (q, k, v) = (all.narrow(1, 0, _heads), all.narrow(1, _heads, _kvHeads), all.narrow(1, _heads + _kvHeads, _kvHeads));
            if (_qNorm is null)
            {
                if (CpuRows.Rotate(all, cos, sin, _heads, _kvHeads) is { } apart)
                {
                    return apart;
                }

                var turned = RotaryEmbedding.Apply(all.narrow(1, 0, _heads + _kvHeads), cos, sin);
                return (turned.narrow(1, 0, _heads).contiguous(), turned.narrow(1, _heads, _kvHeads), v);
            }
        }
        else
        {
            q = _q.forward(x).view(rows, _heads, _width);                                   // [N, H, Dh]
            k = _k.forward(x).view(rows, _kvHeads, _width);                                 // [N, Hkv, Dh]
            v = _v.forward(x).view(rows, _kvHeads, _width);                                 // [N, Hkv, Dh]
        }

        q = _qNorm?.forward(q) ?? q;
        k = _kNorm?.forward(k) ?? k;
        return (RotaryEmbedding.Apply(q, cos, sin), RotaryEmbedding.Apply(k, cos, sin), v);
    }

    // bfloat16 on the CPU: two matrix products and a softmax are several times faster than the fused kernel.
    private Tensor AttendByHand(Tensor q, Tensor k, Tensor v, Tensor? mask)
    {
        long batch = q.size(0), time = q.size(2), group = _heads / _kvHeads;
        var allowed = mask ?? ones([time, time], dtype: ScalarType.Bool, device: q.device).tril();
        var folded = q.reshape(batch * _kvHeads, group * time, _width);                     // [B·Hkv, G·T, Dh]
        var scores = bmm(folded, k.reshape(batch * _kvHeads, time, _width).transpose(1, 2)) // [B·Hkv, G·T, T]
            .view(batch, _heads, time, time).to_type(ScalarType.Float32) * Scalars.Of(_scale);          // [B, H, T, T]
        var weights = scores.masked_fill(allowed.logical_not(), Scalars.Of(float.NegativeInfinity)).softmax(3).to_type(q.dtype);
        return bmm(weights.view(batch * _kvHeads, group * time, time), v.reshape(batch * _kvHeads, time, _width))
            .view(batch, _heads, time, _width);                                             // [B, H, T, Dh]
    }
}
