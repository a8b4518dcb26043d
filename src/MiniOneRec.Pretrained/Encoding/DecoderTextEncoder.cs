using Microsoft.Extensions.AI;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>Embeds text with a decoder model, for item texts of which semantic IDs are made.</summary>
/// <remarks>
/// Texts run sorted by length and packed without padding; the states do not depend on the batch. The caller owns the model. Safe for
/// concurrent use while the model is not trained.
/// </remarks>
public sealed class DecoderTextEncoder : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly CausalLanguageModel _model;
    private readonly ITextTokenizer _tokenizer;
    private readonly DecoderEncoderOptions _options;
    private readonly EmbeddingGeneratorMetadata _metadata;
    private readonly int? _endToken;

    /// <summary>Makes an encoder.</summary>
    /// <param name="model">The decoder, in evaluation mode.</param>
    /// <param name="tokenizer">Its tokenizer.</param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="ArgumentException">The tokenizer does not know the end token of the options.</exception>
    public DecoderTextEncoder(CausalLanguageModel model, ITextTokenizer tokenizer, DecoderEncoderOptions? options = null)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(tokenizer);
        _options = OptionsValidation.Validated(options ?? new DecoderEncoderOptions(), new DecoderEncoderOptionsValidator());
        (_model, _tokenizer) = (model, tokenizer);
        if (_options.EndToken is { } text)
        {
            _endToken = tokenizer.TryGetToken(text, out int token) ? token
                : throw new ArgumentException($"The tokenizer has no token '{text}' (option EndToken).", nameof(options));
        }

        _metadata = new EmbeddingGeneratorMetadata("minionerec", defaultModelId: $"{model.Config.ModelType}-{_options.Pooling}",
            defaultModelDimensions: model.Config.HiddenSize);
    }

    /// <inheritdoc/>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        return TorchThread.RunAsync("MiniOneRec encode", () => Encode(texts, cancellationToken));
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null : serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        // The model belongs to the caller.
    }

    /// <summary>Pools the states of packed texts.</summary>
    /// <param name="hidden"><c>[N, D]</c>.</param>
    /// <param name="batch">Where each text begins and ends.</param>
    /// <param name="pooling">The recipe.</param>
    /// <returns><c>[B, D]</c> float32.</returns>
    internal static Tensor Pool(Tensor hidden, TokenBatch batch, Pooling pooling)
    {
        using var scope = NewDisposeScope();
        var states = hidden.to_type(ScalarType.Float32);
        if (pooling == Pooling.LastToken)
        {
            long[] last = [.. batch.Offsets.Zip(batch.Lengths, (offset, length) => (long)offset + length - 1)];
            var rows = states.index_select(0, tensor(last, device: hidden.device));                         // [B, D]
            return (rows / rows.norm(1, keepdim: true).clamp_min_(Scalars.Of(1e-12))).MoveToOuterDisposeScope();
        }

        Tensor[] means = [.. batch.Offsets.Zip(batch.Lengths, (offset, length) => states.narrow(0, offset, length).mean([0]))];
        return stack(means).MoveToOuterDisposeScope();
    }

    private GeneratedEmbeddings<Embedding<float>> Encode(string[] texts, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        int[][] tokens = [.. texts.Select(Tokens)];
        var vectors = new Embedding<float>[texts.Length];
        int[] order = [.. Enumerable.Range(0, texts.Length).OrderBy(i => tokens[i].Length)];
        for (int start = 0; start < order.Length;)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int end = start + 1, total = tokens[order[start]].Length;
            while (end < order.Length && total + tokens[order[end]].Length <= _options.BatchTokens)
            {
                total += tokens[order[end++]].Length;
            }

            using var scope = NewDisposeScope();
            int[] members = order[start..end];
            using var batch = TokenBatch.Of([.. members.Select(i => tokens[i])], _model.Device);
            float[] pooled = Pool(_model.Forward(batch), batch, _options.Pooling).cpu().contiguous().data<float>().ToArray();
            int width = _model.Config.HiddenSize;
            for (int m = 0; m < members.Length; m++)
            {
                vectors[members[m]] = new Embedding<float>(pooled.AsMemory(m * width, width)) { ModelId = _metadata.DefaultModelId };
            }

            start = end;
        }

        return new GeneratedEmbeddings<Embedding<float>>(
            vectors) { Usage = new UsageDetails { InputTokenCount = tokens.Sum(t => (long)t.Length) } };
    }

    private int[] Tokens(string text)
    {
        int[] tokens = _tokenizer.Encode(_options.Prefix + text);
        tokens = _tokenizer.BeginToken is { } begin && tokens is not [] && tokens[0] != begin ? [begin, .. tokens] : tokens;
        int room = _options.MaxTokens - (_options.AppendEndToken ? 1 : 0);
        tokens = tokens.Length > room ? tokens[..room] : tokens;
        return _options.AppendEndToken || tokens.Length == 0 ? [.. tokens, _endToken ?? _tokenizer.EndToken] : tokens;
    }
}
