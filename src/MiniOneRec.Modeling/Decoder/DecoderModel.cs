using System.Globalization;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Utils;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>The decoder of Qwen2, Qwen3 and Llama, switched by its configuration.</summary>
/// <remarks>Parameter keys are those of the published checkpoints, for example <c>model.layers.0.self_attn.q_proj.weight</c>.</remarks>
public sealed class DecoderModel : CausalLanguageModel
{
    [ComponentName(Name = "model")]
    private readonly DecoderStack _model;

    [ComponentName(Name = DecoderTensorNames.HeadModule)]
    private readonly Projection? _head;

    private readonly RotaryEmbedding _rotary;
    private readonly WeightPacking _packing = new();

    /// <summary>Makes a model with fresh weights, drawn from torch's global generator.</summary>
    /// <param name="config">The architecture.</param>
    public DecoderModel(DecoderConfig config)
        : base(nameof(DecoderModel))
    {
        ArgumentNullException.ThrowIfNull(config);
        VectorConstants.Touch();
        Config = config.Validated();
        _model = new DecoderStack(Config, _packing, Attention);
        _head = Config.TieWordEmbeddings || !Config.HasHead ? null
            : new Projection(Config.HiddenSize, Config.VocabularySize, false, Config.InitializerRange);
        _rotary = new RotaryEmbedding(Config);
        RegisterComponents();
    }

    /// <inheritdoc/>
    public override DecoderConfig Config { get; }

    /// <summary>Gets how the layers attend.</summary>
    internal AttentionChoice Attention { get; } = new();

    /// <inheritdoc/>
    public override Device Device => _model.Embedding.device;

    /// <summary>Gets whether the model can predict tokens; where not, it gives hidden states alone.</summary>
    public bool HasHead => Config.TieWordEmbeddings || Config.HasHead;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The checkpoint was stored without an output head.</exception>
    public override Tensor HeadWeight => _head?.Weight ?? (HasHead ? _model.Embedding : throw new InvalidOperationException(
        $"The model has no output head: its checkpoint holds no '{DecoderTensorNames.Head}' and does not tie it to the embedding. "
        + "It gives hidden states, for DecoderTextEncoder; it predicts no tokens."));

    /// <inheritdoc/>
    public override Tensor EmbeddingWeight => _model.Embedding;

    /// <inheritdoc/>
    private protected override WeightPacking Packing => _packing;

    // Embeddings, then the layers, then what follows them.
    internal override int BlockOf(string name)
    {
        if (name == DecoderTensorNames.FinalNorm || (_head is not null && name == DecoderTensorNames.Head))
        {
            return _model.Layers.Count + 1;
        }

        string rest = name.StartsWith(DecoderTensorNames.Layers, StringComparison.Ordinal) ? name[DecoderTensorNames.Layers.Length..] : "";
        return int.TryParse(rest.Split('.')[0], CultureInfo.InvariantCulture, out int layer) ? layer + 1 : 0;
    }

    /// <inheritdoc/>
    public override Tensor Forward(TokenBatch batch, PromptCache? cache = null)
    {
        ArgumentNullException.ThrowIfNull(batch);

        using var scope = NewDisposeScope();
        cache?.Begin(batch);
        var observer = Observer;                                // a block that runs again is told to the same
        observer?.Enter(0);
        bool recompute = GradientCheckpointing && cache is null && is_grad_enabled();
        long? seed = training ? randint_long(long.MaxValue) : null;                          // for dropout here and in adapters
        var x = AddContent(Embed(batch.Tokens), batch);                                     // [N, D]
        if (Dropout > 0 && training)
        {
            x = Modeling.Dropout.Apply(x, Dropout);
        }

        if (recompute && !x.requires_grad)
        {
            // frozen embeddings: the layers' own weights still learn
            x.requires_grad_();
        }

        var (sharedCos, sharedSin) = _rotary.Angles(batch.Positions, x.dtype);              // [N, 1, Dh]
        for (int i = 0; i < _model.Layers.Count; i++)
        {
            (var layer, int block, long? layerSeed) = (_model.Layers[i], i + 1, seed + i);
            Tensor Block(Tensor input)
            {
                if (layerSeed is { } value)
                {
                    random.manual_seed(value);
                }

                // A block that runs again later outlives the shared angles.
                var (cos, sin) = recompute ? _rotary.Angles(batch.Positions, input.dtype) : (sharedCos, sharedSin);
                observer?.Enter(block);
                var y = layer.Forward(input, batch, cos, sin, cache, Dropout);
                if (!is_grad_enabled())
                {
                    observer?.Leave(block);
                }

                return y;
            }

            x = BlockBorder.Mark(x, observer, block);
            x = recompute ? Recomputation.Run(x, Block) : Block(x);
        }

        int last = _model.Layers.Count + 1;
        observer?.Enter(last);
        return _model.Norm(BlockBorder.Mark(x, observer, last)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Prefill(TokenBatch batch, PromptCache cache)
    {
        ArgumentNullException.ThrowIfNull(batch);
        ArgumentNullException.ThrowIfNull(cache);

        using var scope = NewDisposeScope();
        cache.Begin(batch);
        var x = AddContent(Embed(batch.Tokens), batch);                                     // [N, D]
        var (cos, sin) = _rotary.Angles(batch.Positions, x.dtype);                          // [N, 1, Dh]
        int final = _model.Layers.Count - 1;
        for (int i = 0; i < final; i++)
        {
            x = _model.Layers[i].Forward(x, batch, cos, sin, cache, 0);
        }

        // Nothing but keys and values of the last layer depends on tokens other than the last.
        return _model.Norm(_model.Layers[final].ForwardLast(x, batch, cos, sin, cache, LastTokens(batch))).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    public override Tensor Extend(PromptCache cache, DecodingStep step)
    {
        ArgumentNullException.ThrowIfNull(cache);
        ArgumentNullException.ThrowIfNull(step);

        using var scope = NewDisposeScope();
        using var plan = new ExtensionPlan(cache, step, _rotary, EmbeddingWeight.dtype, Device);
        var x = AddContent(Embed(plan.Tokens), cache, step);                                // [R, D]
        for (int i = 0; i < _model.Layers.Count; i++)
        {
            x = _model.Layers[i].Extend(x, cache[i], plan);
        }

        cache.Advance(step.Tokens.Length);
        return _model.Norm(x).MoveToOuterDisposeScope();
    }

    private Tensor Embed(Tensor tokens) => NewRows is null ? _model.Embed(tokens) : NewRows.Embed(tokens, _model.Embedding);
}
