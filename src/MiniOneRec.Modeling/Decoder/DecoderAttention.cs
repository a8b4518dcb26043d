using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Grouped-query attention with rotary positions, over packed tokens or over beams on shared prompts.</summary>
/// <remarks>
/// Projects to queries, keys and values, rotates the positions in (arXiv:2104.09864), and leaves <c>softmax(Q Kᵀ / √Dh + M) V</c> to an
/// <see cref="AttentionBackend"/>. GQA (arXiv:2305.13245): a key/value head serves <c>H / Hkv</c> query heads.
/// </remarks>
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
    private readonly AttentionChoice _backend;
    private readonly AttentionShape _shape;
    private readonly long _heads;
    private readonly long _kvHeads;
    private readonly long _width;

    public DecoderAttention(DecoderConfig config, int layer, WeightPacking packing, AttentionChoice backend)
        : base(nameof(DecoderAttention))
    {
        (_heads, _kvHeads, _width) = (config.HeadCount, config.KeyValueHeadCount, config.HeadWidth);
        (_backend, _shape) = (backend, new AttentionShape(_heads, _kvHeads, _width, config.WindowOf(layer)));
        double deviation = config.InitializerRange;
        _q = new Projection(config.HiddenSize, _heads * _width, config.AttentionBias, deviation);
        _k = new Projection(config.HiddenSize, _kvHeads * _width, config.AttentionBias, deviation);
        _v = new Projection(config.HiddenSize, _kvHeads * _width, config.AttentionBias, deviation);
        _o = new Projection(_heads * _width, config.HiddenSize, config.OutputBias, deviation);
        _qNorm = config.QueryKeyNorm ? new RmsNorm(_width, config.NormEpsilon) : null;
        _kNorm = config.QueryKeyNorm ? new RmsNorm(_width, config.NormEpsilon) : null;
        RegisterComponents();
        _packedInput = packing.Of(
            () => [(_q.Weight, _q.Bias), (_k.Weight, _k.Bias), (_v.Weight, _v.Bias)],
            free: () =>
            {
                _q.FreeWeight();
                _k.FreeWeight();
                _v.FreeWeight();
            });
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
        if (DeviceInference.Serves(y) && _o.AddInPlace(residual, y) is { } sum)
        {
            return sum.MoveToOuterDisposeScope();
        }

        return (_o.Adapter is null && _packedOutput.BlocksFor(y) is [var output] ? output.Plus(y, residual) : residual.Plus(_o.forward(y)))
            .MoveToOuterDisposeScope();
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
        return _backend.For(x).WithinTrees(q, k, v, batch, cache?.AddPrompt(k, v), _shape).MoveToOuterDisposeScope();
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
        var (q, k, v) = Project(x, cos, sin);                                               // [N, H or Hkv, Dh]
        var layer = cache.AddPrompt(batch.ToPadded(k).transpose(1, 2), batch.ToPadded(v).transpose(1, 2));  // [B, Hkv, T, Dh]
        return _backend.For(x).FromLast(q.index_select(0, last), layer, cache, _shape).MoveToOuterDisposeScope();
    }

    /// <summary>Attends from new rows to their prompts, their ancestors and themselves.</summary>
    /// <param name="x"><c>[R, D]</c>.</param>
    /// <param name="layer">The layer's cache; receives the rows' keys and values.</param>
    /// <param name="plan">Where the rows belong.</param>
    /// <returns>Attended heads, <c>[R, H·Dh]</c>.</returns>
    public Tensor Extend(Tensor x, PromptCache.Layer layer, ExtensionPlan plan)
    {
        using var scope = NewDisposeScope();
        var (q, k, v) = DeviceInference.Serves(x) ? ProjectTogether(x, plan) : Project(x, plan.Cos, plan.Sin);  // [R, H or Hkv, Dh]
        layer.Append(k, v);
        return _backend.For(x).OnPrompts(q, layer, plan, _shape).MoveToOuterDisposeScope();
    }

    // Queries and keys are rotated as one tensor.
    private (Tensor Q, Tensor K, Tensor V) ProjectTogether(Tensor x, ExtensionPlan plan)
    {
        long rows = x.size(0);
        Tensor q = _q.forward(x), k = _k.forward(x), v = _v.forward(x).view(rows, _kvHeads, _width);        // [R, Hkv, Dh]
        if (_qNorm is not null)
        {
            (q, k) = (_qNorm.forward(q.view(rows, _heads, _width)), _kNorm!.forward(k.view(rows, _kvHeads, _width)));
        }

        var both = RotaryEmbedding.ApplyTurned(
            cat([q, k], 1).view(rows, _heads + _kvHeads, _width), plan.Cos, plan.TurnedSin);                // [R, H + Hkv, Dh]
        return (both.narrow(1, 0, _heads), both.narrow(1, _heads, _kvHeads), v);
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
}
