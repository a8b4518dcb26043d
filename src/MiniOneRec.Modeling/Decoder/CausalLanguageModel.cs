using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>A decoder that predicts the next token: the seam at which backbones are swapped.</summary>
/// <remarks>
/// Forward passes on frozen weights may run concurrently, each thread under its own <c>no_grad</c> and dispose scope. Trainers hold
/// <see cref="BeginTraining"/>; recommenders refuse to serve the model from other threads meanwhile.
/// </remarks>
public abstract partial class CausalLanguageModel : nn.Module, IDecodingBackbone
{
    /// <summary>Rows of the head that are packed together: 4 MB of logits for 64 beams, and ten products for a vocabulary of
    /// 150,000.</summary>
    private const long PackedRows = 16_384;

    private PackedWeight? _packedHead;

    /// <summary>Makes the base of a model.</summary>
    /// <param name="name">The module's name.</param>
    protected CausalLanguageModel(string name)
        : base(name)
    {
    }

    /// <summary>Gets whether a trainer holds the weights; recommenders then refuse to serve them.</summary>
    public bool IsBeingTrained => Lease.IsTraining;

    /// <summary>Gets the lease that keeps serving and training apart.</summary>
    internal WeightLease Lease { get; } = new();

    /// <summary>Gets the architecture.</summary>
    public abstract DecoderConfig Config { get; }

    /// <summary>Describes the model as <c>config.json</c> of its folder does.</summary>
    /// <remarks>A backbone that the application writes has its own <c>model_type</c>, by which a <see cref="BackboneLoader"/> is found when
    /// the folder is loaded.</remarks>
    /// <param name="dataType">The type of the weights, for example <c>float32</c> or <c>bfloat16</c>.</param>
    public virtual JsonObject DescribeConfig(string dataType = "float32") => Config.ToJson(dataType);

    /// <summary>Gets the device of the weights.</summary>
    public abstract Device Device { get; }

    /// <summary>Gets or sets the dropout rate on embeddings and on what each block adds; active in training mode only.</summary>
    public double Dropout { get; set; }

    /// <summary>Gets or sets whether training keeps only each layer's input and computes the rest again for the gradient.</summary>
    /// <remarks>Changes memory and time, never a result: about a third more work for activations of one layer in place of all.
    /// The batch must live until the gradient is taken.</remarks>
    public bool GradientCheckpointing { get; set; }

    /// <summary>Gets or sets what is told of the blocks of a pass of training, or <see langword="null"/>.</summary>
    internal IBlockObserver? Observer { get; set; }

    /// <summary>Finds the block of a weight, which <see cref="Observer"/> is told of.</summary>
    /// <param name="name">The weight's name, or that of an adapter to it.</param>
    /// <returns>0 for what does not belong to one block alone.</returns>
    internal virtual int BlockOf(string name) => 0;

    /// <summary>Gets or sets the rows of embedding and head that are trained in place of the whole matrices, or <see langword="null"/>; not
    /// owned.</summary>
    public TokenRows? NewRows { get; set; }

    /// <summary>Gets or sets whether inference on the CPU keeps a second copy of the weights, in the layout in which the processor
    /// multiplies fastest.</summary>
    /// <value>
    /// The default is <see langword="false"/>. The copy takes as much memory as the weights of the layers and the head. It is made at the
    /// first forward pass since the weights last changed, and dropped in training mode; adapters are served without it. Results change by
    /// rounding alone.
    /// </value>
    public bool PackWeights
    {
        get => Packing?.Enabled ?? false;
        set
        {
            if (Packing is { } packing)
            {
                packing.Enabled = value;
                if (!value)
                {
                    packing.Drop();
                }
            }
        }
    }

    private PackedWeight PackedHead(WeightPacking packing)
    {
        if (_packedHead is null)
        {
            Interlocked.CompareExchange(ref _packedHead, packing.Of(() => [(HeadWeight, null)], PackedRows), null);
        }

        return _packedHead;
    }

    /// <summary>Gets the component that packs the weights for inference, or <see langword="null"/> where a backbone has none.</summary>
    private protected virtual WeightPacking? Packing => null;

    /// <summary>Claims the weights for training on the calling thread, after batches that are being served have ended.</summary>
    /// <remarks>
    /// Until the result is disposed, recommenders of this model refuse requests with an <see cref="InvalidOperationException"/>, except
    /// <see cref="GenerativeRecommender.Recommend"/> on the claiming thread, which validation needs.
    /// </remarks>
    /// <returns>Gives the weights back when disposed.</returns>
    /// <exception cref="InvalidOperationException">The weights are being trained already, or exist in a smaller form alone.</exception>
    public IDisposable BeginTraining() => IsQuantized ? throw NotWhole("trained") : Lease.Train();

    /// <summary>Sets training or evaluation mode; training drops packed weights.</summary>
    /// <param name="train">Whether to train.</param>
    public override void train(bool train = true)
    {
        base.train(train);
        if (train)
        {
            Packing?.Drop();
        }
    }

    /// <summary>Runs packed tokens.</summary>
    /// <param name="batch">The tokens.</param>
    /// <param name="cache">Receives keys and values for <see cref="Extend"/>, or <see langword="null"/>.</param>
    /// <returns>Hidden states after the final norm, <c>[N, D]</c>.</returns>
    public abstract Tensor Forward(TokenBatch batch, PromptCache? cache = null);

    /// <summary>Runs prompts of which only the last tokens' hidden states are wanted; no gradient, no dropout.</summary>
    /// <param name="batch">The prompts, chains.</param>
    /// <param name="cache">Receives keys and values for <see cref="Extend"/>.</param>
    /// <returns>Hidden states of the last tokens after the final norm, <c>[B, D]</c>.</returns>
    public virtual Tensor Prefill(TokenBatch batch, PromptCache cache)
    {
        ArgumentNullException.ThrowIfNull(batch);
        using var scope = NewDisposeScope();
        return Forward(batch, cache).index_select(0, LastTokens(batch)).MoveToOuterDisposeScope();
    }

    /// <summary>Runs new tokens on top of cached prompts.</summary>
    /// <param name="cache">Prompts and the tokens that were run on top of them so far; receives the new ones.</param>
    /// <param name="step">The new tokens.</param>
    /// <returns>Hidden states after the final norm, <c>[R, D]</c>.</returns>
    public abstract Tensor Extend(PromptCache cache, DecodingStep step);

    /// <summary>Gets the weight of the output head, <c>[V, D]</c>; the input embedding where they are tied.</summary>
    public abstract Tensor HeadWeight { get; }

    /// <summary>Gets the weight of the input embedding, <c>[V, D]</c>.</summary>
    public abstract Tensor EmbeddingWeight { get; }

    /// <summary>Computes logits.</summary>
    /// <param name="hidden"><c>[M, D]</c>.</param>
    /// <returns><c>[M, V]</c>, in the type of the weights.</returns>
    public virtual Tensor Logits(Tensor hidden) => F.linear(hidden, HeadWeight);

    /// <summary>Computes full-vocabulary log-probabilities of chosen tokens without holding all logits at once.</summary>
    /// <param name="hidden"><c>[M, D]</c>.</param>
    /// <param name="targets">Token ids, <c>[M]</c> int64.</param>
    /// <returns>Log-probabilities in nats, <c>[M]</c> float32, with gradient where <paramref name="hidden"/> has one.</returns>
    public Tensor LogProbabilities(Tensor hidden, Tensor targets)
    {
        ArgumentNullException.ThrowIfNull(hidden);
        ArgumentNullException.ThrowIfNull(targets);

        using var scope = NewDisposeScope();
        long rows = hidden.size(0), chunk = Math.Max(1, LogitBudget.OfRows(hidden.device_type) / Config.VocabularySize);
        if (rows <= chunk)
        {
            return Gather(Logits(hidden), targets).MoveToOuterDisposeScope();
        }

        var parts = new List<Tensor>();
        for (long start = 0; start < rows; start += chunk)
        {
            long count = Math.Min(chunk, rows - start);
            parts.Add(Gather(Logits(hidden.narrow(0, start, count)), targets.narrow(0, start, count)));
        }

        return cat(parts).MoveToOuterDisposeScope();                                        // [M]
    }

    /// <summary>Computes the logarithm of the softmax's denominator, block by block over the vocabulary, so that logits stay in the
    /// cache.</summary>
    /// <param name="hidden"><c>[M, D]</c>; no gradient flows.</param>
    /// <returns>log Σ exp(logit), <c>[M]</c> float32.</returns>
    internal Tensor LogNormalizers(Tensor hidden)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var weight = HeadWeight;
        var packed = Packing is { } packing ? PackedHead(packing).BlocksFor(hidden) : null;
        long vocabulary = weight.size(0), block = packed is not null ? PackedRows
            : LogitBudget.BlockWidth(hidden.size(0), DeviceInference.Serves(hidden));
        if (CpuInference.Serves(hidden))
        {
            var folded = new LogSumExp((int)hidden.size(0));
            for (long start = 0, b = 0; start < vocabulary; start += block, b++)
            {
                using var blockScope = NewDisposeScope();
                folded.Add(Block(start, b));
            }

            return tensor(folded.Values()).MoveToOuterDisposeScope();
        }

        Tensor? largest = null, sum = null;
        for (long start = 0, b = 0; start < vocabulary; start += block, b++)
        {
            using var blockScope = NewDisposeScope();
            var logits = Block(start, b).to_type(ScalarType.Float32);                       // [M, block]
            var top = logits.amax([1], keepdim: true);                                      // [M, 1]
            if (largest is not null)
            {
                top = top.maximum(largest);
            }

            var mass = logits.sub_(top).exp_().sum([1], keepdim: true);                     // [M, 1]
            if (sum is not null)
            {
                mass.addcmul_(sum, (largest! - top).exp_(), Scalars.Of(1));
            }

            (largest, sum) = (top.MoveToOuterDisposeScope(), mass.MoveToOuterDisposeScope());
        }

        return largest!.Plus(sum!.log_()).squeeze(1).MoveToOuterDisposeScope();

        Tensor Block(long start, long number) =>
            packed?[number].Linear(hidden) ?? CpuLinear.Run(hidden, weight.narrow(0, start, Math.Min(block, vocabulary - start)), null);
    }

    /// <inheritdoc/>
    DecodingCache IDecodingBackbone.NewCache() => new PromptCache();

    /// <inheritdoc/>
    Tensor IDecodingBackbone.Prefill(IReadOnlyList<int[]> prompts, DecodingCache cache)
    {
        using var batch = TokenBatch.Of(prompts, Device);
        return Prefill(batch, CacheOf(cache));
    }

    /// <inheritdoc/>
    Tensor IDecodingBackbone.Extend(DecodingCache cache, DecodingStep step) => Extend(CacheOf(cache), step);

    /// <inheritdoc/>
    Tensor IDecodingBackbone.LogNormalizers(Tensor hidden) => LogNormalizers(hidden);

    /// <summary>Gets where the last token of each prompt stands, <c>[B]</c> int64.</summary>
    private protected static Tensor LastTokens(TokenBatch batch) =>
        Upload.Of([.. batch.Offsets.Zip(batch.Lengths, (offset, length) => (long)offset + length - 1)], batch.Tokens.device);

    /// <summary>Frees the weights and their packed copies.</summary>
    /// <param name="disposing">Whether <see cref="nn.Module.Dispose()"/> called.</param>
    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            Packing?.Drop();
            DropContent();
        }

        base.Dispose(disposing);
        if (disposing)
        {
            NativeHeap.Worked();
        }
    }

    private static PromptCache CacheOf(DecodingCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return cache as PromptCache ?? throw new ArgumentException(
            $"The cache is a {cache.GetType().Name}; a decoder needs a {nameof(PromptCache)}.", nameof(cache));
    }

    private static Tensor Gather(Tensor logits, Tensor targets)
    {
        var values = logits.to_type(ScalarType.Float32);                                    // [M, V]
        return values.gather(1, targets.unsqueeze(1)).squeeze(1) - values.logsumexp(1);     // [M]
    }
}
