using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Describes what search and sampling need of a model: run prompts once, run new tokens on top of them, score hidden states by the
/// head.</summary>
/// <remarks>
/// A <see cref="CausalLanguageModel"/> runs prompt and response through one decoder; an encoder-decoder such as <c>T5DecodingBackbone</c>
/// of MiniOneRec.Baselines.Generative encodes the prompt and attends to it. Calls run under the caller's <c>no_grad</c> and dispose scope,
/// which owns the returned tensors.
/// </remarks>
public interface IDecodingBackbone
{
    /// <summary>Gets the device of the weights.</summary>
    Device Device { get; }

    /// <summary>Gets the weight of the output head, <c>[V, D]</c>.</summary>
    Tensor HeadWeight { get; }

    /// <summary>Makes an empty cache of the kind that this backbone fills; the caller disposes it.</summary>
    DecodingCache NewCache();

    /// <summary>Runs prompts.</summary>
    /// <param name="prompts">Token ids, each at least one.</param>
    /// <param name="cache">An empty cache of <see cref="NewCache"/>; receives what <see cref="Extend"/> needs of the prompts.</param>
    /// <returns>Hidden states that predict the first token of each response, <c>[B, D]</c>.</returns>
    Tensor Prefill(IReadOnlyList<int[]> prompts, DecodingCache cache);

    /// <summary>Runs new tokens on top of cached prompts.</summary>
    /// <param name="cache">Prompts and the tokens that were run on top of them so far; receives the new ones and counts them.</param>
    /// <param name="step">The new tokens.</param>
    /// <returns>Hidden states that predict what follows each new token, <c>[R, D]</c>.</returns>
    Tensor Extend(DecodingCache cache, DecodingStep step);

    /// <summary>Computes the logarithm of the softmax's denominator over the full vocabulary.</summary>
    /// <param name="hidden"><c>[M, D]</c>.</param>
    /// <returns>log Σ exp(logit), <c>[M]</c> float32.</returns>
    Tensor LogNormalizers(Tensor hidden)
    {
        using var scope = NewDisposeScope();
        return F.linear(hidden, HeadWeight).to_type(ScalarType.Float32).logsumexp(1).MoveToOuterDisposeScope();
    }
}
