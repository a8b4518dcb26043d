using MiniOneRec.Shared;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>A decoder that predicts the next token: the seam at which backbones are swapped.</summary>
/// <remarks>
/// Forward passes on frozen weights may run concurrently, each thread under its own <c>no_grad</c> and dispose scope. Training a
/// model while it serves is the caller's mistake.
/// </remarks>
public abstract class CausalLanguageModel : nn.Module
{
    /// <summary>Rows of logits that are held at once where the vocabulary is large.</summary>
    private const long LogitBudget = 16L << 20;

    /// <summary>Logits of one block of the vocabulary: 1 MB of float32, which stays in the cache.</summary>
    private const long BlockBudget = 256L << 10;

    /// <summary>Makes the base of a model.</summary>
    /// <param name="name">The module's name.</param>
    protected CausalLanguageModel(string name)
        : base(name)
    {
    }

    /// <summary>Gets the architecture.</summary>
    public abstract DecoderConfig Config { get; }

    /// <summary>Gets the device of the weights.</summary>
    public abstract Device Device { get; }

    /// <summary>Gets or sets the dropout rate on embeddings and on what each block adds; active in training mode only.</summary>
    public double Dropout { get; set; }

    /// <summary>Gets or sets whether training keeps only each layer's input and computes the rest again for the gradient.</summary>
    /// <remarks>Changes memory and time, never a result: about a third more work for activations of one layer in place of all.
    /// The batch must live until the gradient is taken.</remarks>
    public bool GradientCheckpointing { get; set; }

    /// <summary>Gets or sets the rows of embedding and head that are trained in place of the whole matrices, or <see langword="null"/>; not owned.</summary>
    public TokenRows? NewRows { get; set; }

    /// <summary>Runs packed tokens.</summary>
    /// <param name="batch">The tokens.</param>
    /// <param name="cache">Receives keys and values for <see cref="Extend"/>, or <see langword="null"/>.</param>
    /// <returns>Hidden states after the final norm, <c>[N, D]</c>.</returns>
    public abstract Tensor Forward(TokenBatch batch, PromptCache? cache = null);

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
        long rows = hidden.size(0), chunk = Math.Max(1, LogitBudget / Config.VocabularySize);
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

    /// <summary>Computes the logarithm of the softmax's denominator, block by block over the vocabulary, so that logits stay in the cache.</summary>
    /// <param name="hidden"><c>[M, D]</c>; no gradient flows.</param>
    /// <returns>log Σ exp(logit), <c>[M]</c> float32.</returns>
    internal Tensor LogNormalizers(Tensor hidden)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var weight = HeadWeight;
        long vocabulary = weight.size(0), block = Math.Max(1_024, BlockBudget / hidden.size(0));
        Tensor? largest = null, sum = null;
        for (long start = 0; start < vocabulary; start += block)
        {
            using var blockScope = NewDisposeScope();
            var logits = F.linear(hidden, weight.narrow(0, start, Math.Min(block, vocabulary - start))).to_type(ScalarType.Float32);  // [M, block]
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

        return (largest! + sum!.log_()).squeeze(1).MoveToOuterDisposeScope();
    }

    private static Tensor Gather(Tensor logits, Tensor targets)
    {
        var values = logits.to_type(ScalarType.Float32);                                    // [M, V]
        return values.gather(1, targets.unsqueeze(1)).squeeze(1) - values.logsumexp(1);     // [M]
    }
}
