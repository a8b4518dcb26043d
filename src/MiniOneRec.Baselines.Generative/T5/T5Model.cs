using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines.Generative;

/// <summary>The T5 encoder-decoder, which TIGER uses: ReLU, RMS norms, relative positions, shared embedding.</summary>
/// <remarks>
/// Raffel et al. (arXiv:1910.10683), as published in Hugging Face checkpoints; parameter keys are theirs. Sequences are padded, on either
/// side, with a mask. Forward passes on frozen weights may run concurrently, each thread under its own <c>no_grad</c> and dispose scope.
/// </remarks>
public sealed class T5Model : nn.Module
{
    [ComponentName(Name = "shared")]
    private readonly T5Embedding _shared;

    [ComponentName(Name = "encoder")]
    private readonly T5Stack _encoder;

    [ComponentName(Name = "decoder")]
    private readonly T5Stack _decoder;

    [ComponentName(Name = "lm_head")]
    private readonly Projection? _head;

    /// <summary>Makes a model with fresh weights, drawn from torch's global generator.</summary>
    /// <param name="config">The architecture.</param>
    public T5Model(T5Config config)
        : base(nameof(T5Model))
    {
        ArgumentNullException.ThrowIfNull(config);
        Config = config.Validated();
        _shared = new T5Embedding(config);
        _encoder = new T5Stack(config, isDecoder: false);
        _decoder = new T5Stack(config, isDecoder: true);
        _head = config.TieWordEmbeddings ? null : new Projection(config.ModelWidth, config.VocabularySize, false, config.InitializerFactor);
        RegisterComponents();
    }

    /// <summary>Gets the architecture.</summary>
    public T5Config Config { get; }

    /// <summary>Gets the device of the weights.</summary>
    public Device Device => _shared.Weight.device;

    /// <summary>Gets the weight of the shared embedding, <c>[V, D]</c>.</summary>
    public Tensor EmbeddingWeight => _shared.Weight;

    /// <summary>Gets the weight of the output head, <c>[V, D]</c>; the shared embedding where they are tied.</summary>
    public Tensor HeadWeight => _head?.Weight ?? _shared.Weight;

    /// <summary>Encodes padded sequences.</summary>
    /// <param name="inputs">Token ids, <c>[B, T]</c> int64.</param>
    /// <param name="mask">1 where a token counts, 0 where it is padding, <c>[B, T]</c>.</param>
    /// <returns>What <see cref="Decode"/> attends to; the caller disposes it.</returns>
    /// <exception cref="ArgumentException">The shapes differ.</exception>
    public T5Memory Encode(Tensor inputs, Tensor mask)
    {
        ArgumentNullException.ThrowIfNull(inputs);
        ArgumentNullException.ThrowIfNull(mask);
        if (inputs.dim() != 2 || !inputs.shape.AsSpan().SequenceEqual(mask.shape))
        {
            throw new ArgumentException(
                $"Inputs are [{string.Join(", ", inputs.shape)}], their mask [{string.Join(", ", mask.shape)}]; expected [B, T] twice.",
                nameof(mask));
        }

        using var scope = NewDisposeScope();
        var type = _shared.Weight.dtype;
        var hidden = zeros(mask.shape, dtype: type, device: mask.device).masked_fill_(mask.eq(Scalars.Of(0)), Scalars.Of(T5Memory.Hidden))
            .view(mask.size(0), 1, 1, -1);
        var encoded = _encoder.Forward(_shared.Embed(inputs), hidden, null);                // [B, T, D]
        return new T5Memory(_decoder.Remember(encoded), hidden);
    }

    /// <summary>Runs the decoder over whole prefixes.</summary>
    /// <param name="memory">What the encoder left for B sequences.</param>
    /// <param name="tokens">Token ids from the start token on, <c>[B·W, S]</c> int64: W rows in turn for each sequence.</param>
    /// <returns>Hidden states, ready for <see cref="Logits"/>, <c>[B·W, S, D]</c>.</returns>
    /// <exception cref="ArgumentException">The rows are no multiple of the sequences.</exception>
    public Tensor Decode(T5Memory memory, Tensor tokens)
    {
        ArgumentNullException.ThrowIfNull(memory);
        ArgumentNullException.ThrowIfNull(tokens);
        if (tokens.dim() != 2 || tokens.size(0) % memory.Count != 0)
        {
            throw new ArgumentException($"Tokens are [{string.Join(", ", tokens.shape)}]; expected [B·W, S] for B = {memory.Count}.",
                nameof(tokens));
        }

        using var scope = NewDisposeScope();
        return Scaled(_decoder.Forward(_shared.Embed(tokens), null, memory)).MoveToOuterDisposeScope();    // [B·W, S, D]
    }

    /// <summary>Runs new rows through the decoder.</summary>
    /// <param name="cache">Prompts and rows so far; receives the rows' keys and values.</param>
    /// <param name="plan">The rows.</param>
    /// <returns>Hidden states, ready for <see cref="Logits"/>, <c>[R, D]</c>.</returns>
    internal Tensor Extend(T5DecodingCache cache, T5StepPlan plan)
    {
        using var scope = NewDisposeScope();
        var x = _shared.Embed(plan.Tokens.unsqueeze(1)).squeeze(1);                         // [R, D]
        return Scaled(_decoder.Extend(x, cache, plan)).MoveToOuterDisposeScope();
    }

    /// <summary>Computes logits.</summary>
    /// <param name="hidden"><c>[…, D]</c>, from <see cref="Decode"/>.</param>
    /// <returns><c>[…, V]</c>.</returns>
    public Tensor Logits(Tensor hidden) => F.linear(hidden, HeadWeight);

    /// <summary>Computes the logits that predict given targets.</summary>
    /// <param name="inputs">Token ids of the encoder, <c>[B, T]</c> int64.</param>
    /// <param name="mask">1 where a token counts, <c>[B, T]</c>.</param>
    /// <param name="labels">Targets, <c>[B, S]</c> int64; the decoder sees them shifted right, behind the start token.</param>
    /// <returns><c>[B, S, V]</c>.</returns>
    public Tensor Forward(Tensor inputs, Tensor mask, Tensor labels)
    {
        ArgumentNullException.ThrowIfNull(labels);
        using var scope = NewDisposeScope();
        using var memory = Encode(inputs, mask);
        return Logits(Decode(memory, ShiftRight(labels))).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the mean cross entropy of the targets.</summary>
    /// <param name="inputs">Token ids of the encoder, <c>[B, T]</c> int64.</param>
    /// <param name="mask">1 where a token counts, <c>[B, T]</c>.</param>
    /// <param name="labels">Targets, <c>[B, S]</c> int64; −100 where none is.</param>
    /// <returns>A scalar, in nats, with gradient.</returns>
    public Tensor Loss(Tensor inputs, Tensor mask, Tensor labels)
    {
        using var scope = NewDisposeScope();
        var logits = Forward(inputs, mask, labels).to_type(ScalarType.Float32);             // [B, S, V]
        return F.cross_entropy(logits.view(-1, Config.VocabularySize), labels.reshape(-1), ignore_index: -100).MoveToOuterDisposeScope();
    }

    private Tensor Scaled(Tensor hidden) => Config.ScaleDecoderOutputs ? hidden / Scalars.Of(Math.Sqrt(Config.ModelWidth)) : hidden;

    private Tensor ShiftRight(Tensor labels)
    {
        using var scope = NewDisposeScope();
        var start = full([labels.size(0), 1], Scalars.Of(Config.StartTokenId), dtype: ScalarType.Int64, device: labels.device);
        var shifted = cat([start, labels.narrow(1, 0, labels.size(1) - 1)], 1);             // [B, S]
        return shifted.masked_fill(shifted.eq(Scalars.Of(-100)), Scalars.Of(Config.PadTokenId)).MoveToOuterDisposeScope();
    }

    private sealed class T5Embedding : nn.Module
    {
        [ComponentName(Name = "weight")]
        private Parameter _weight;

        public T5Embedding(T5Config config)
            : base(nameof(T5Embedding))
        {
            _weight = Weights.Normal(config.InitializerFactor, config.VocabularySize, config.ModelWidth);
            RegisterComponents();
        }

        public Parameter Weight => _weight;

        public Tensor Embed(Tensor tokens)
        {
            using var flat = tokens.reshape(-1);
            using var rows = _weight.index_select(0, flat);                                 // [B·T, D]
            return rows.view(tokens.size(0), tokens.size(1), -1);
        }
    }
}
