using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Lets a T5 be searched and sampled: prompts are encoded once, and each new token runs through the decoder alone.</summary>
/// <remarks>
/// All rows of a prompt attend to one copy of the encoder's keys and values. The decoder's own keys and values are kept per row, and a row
/// attends to its ancestors. What <see cref="ConstrainedBeamSearch"/> calls the prompt is the encoder's input; the response follows the
/// decoder's start token.
/// </remarks>
public sealed class T5DecodingBackbone : IDecodingBackbone
{
    private readonly T5Model _model;

    /// <summary>Wraps a model.</summary>
    /// <param name="model">The model, in evaluation mode; stays the caller's.</param>
    public T5DecodingBackbone(T5Model model)
    {
        ArgumentNullException.ThrowIfNull(model);
        _model = model;
    }

    /// <inheritdoc/>
    public Device Device => _model.Device;

    /// <inheritdoc/>
    public Tensor HeadWeight => _model.HeadWeight;

    /// <inheritdoc/>
    public DecodingCache NewCache() => new T5DecodingCache();

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">There is no prompt, a prompt is empty, or the cache is another backbone's.</exception>
    public Tensor Prefill(IReadOnlyList<int[]> prompts, DecodingCache cache)
    {
        ArgumentNullException.ThrowIfNull(prompts);
        var own = CacheOf(cache);
        if (prompts.Count == 0 || prompts.Any(prompt => prompt.Length == 0))
        {
            throw new ArgumentException(
                prompts.Count == 0 ? "Got no prompts; expected at least one." : "A prompt holds no tokens; expected at least one.",
                nameof(prompts));
        }

        using var scope = NewDisposeScope();
        var (tokens, mask) = Pad(prompts);
        own.Begin(_model.Encode(tokens, mask), prompts.Count);
        return _model.Extend(own, T5StepPlan.Start(prompts.Count, _model.Config, Device)).MoveToOuterDisposeScope();
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">The step does not fit the cache, or the cache is another backbone's.</exception>
    public Tensor Extend(DecodingCache cache, DecodingStep step)
    {
        ArgumentNullException.ThrowIfNull(step);
        var own = CacheOf(cache);
        using var scope = NewDisposeScope();
        var hidden = _model.Extend(own, T5StepPlan.Of(own, step, _model.Config, Device));
        own.Advance(step.Tokens.Length);
        return hidden.MoveToOuterDisposeScope();
    }

    private static T5DecodingCache CacheOf(DecodingCache cache)
    {
        ArgumentNullException.ThrowIfNull(cache);
        return cache as T5DecodingCache ?? throw new ArgumentException(
            $"The cache is a {cache.GetType().Name}; a T5 needs a cache of its own {nameof(NewCache)}.", nameof(cache));
    }

    private (Tensor Tokens, Tensor Mask) Pad(IReadOnlyList<int[]> prompts)
    {
        int longest = prompts.Max(prompt => prompt.Length);
        var tokens = new long[prompts.Count * longest];
        var mask = new long[tokens.Length];
        for (int b = 0; b < prompts.Count; b++)
        {
            for (int t = 0; t < longest; t++)
            {
                bool real = t < prompts[b].Length;
                tokens[b * longest + t] = real ? prompts[b][t] : _model.Config.PadTokenId;
                mask[b * longest + t] = real ? 1 : 0;
            }
        }

        return (tensor(tokens, [prompts.Count, longest], device: Device), tensor(mask, [prompts.Count, longest], device: Device));
    }
}
