using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Index tensors of one decoding step of a T5, made once and used by every block.</summary>
internal sealed class T5StepPlan
{
    private T5StepPlan(int[] tokens, int[] prompts, int[][] chains, int promptCount, T5Config config, Device device)
    {
        int width = chains.Max(chain => chain.Length), rows = tokens.Length;
        var seen = new long[rows * width];
        var distances = new long[rows * width];
        var hidden = new float[rows * width];
        bool uneven = false;
        for (int r = 0; r < rows; r++)
        {
            for (int s = 0; s < width; s++)
            {
                bool real = s < chains[r].Length;
                int at = real ? s : chains[r].Length - 1;
                seen[r * width + s] = chains[r][at];
                int offset = at - (chains[r].Length - 1);
                distances[r * width + s] = RelativePositions.BucketOf(offset, bothWays: false, config.DistanceBuckets, config.MaxDistance);
                hidden[r * width + s] = real ? 0 : T5Memory.Hidden;
                uneven |= !real;
            }
        }

        Tokens = tensor([.. tokens.Select(token => (long)token)], device: device);
        Seen = tensor(seen, device: device);
        Distances = tensor(distances, device: device);
        ChainBias = uneven ? tensor(hidden, [rows, 1, 1, width], device: device) : null;
        Groups = new PromptGroups(prompts, promptCount, device);
        Width = width;
    }

    /// <summary>Gets the token ids, <c>[R]</c> int64.</summary>
    public Tensor Tokens { get; }

    /// <summary>Gets which rows of the cache each row sees, start token first, itself last, <c>[R·S]</c>; short chains repeat their
    /// last.</summary>
    public Tensor Seen { get; }

    /// <summary>Gets the class of the distance to each of them, <c>[R·S]</c>.</summary>
    public Tensor Distances { get; }

    /// <summary>Gets a large negative number where a short chain repeats, <c>[R, 1, 1, S]</c>; <see langword="null"/> where none
    /// does.</summary>
    public Tensor? ChainBias { get; }

    /// <summary>Gets the rows by prompt.</summary>
    public PromptGroups Groups { get; }

    /// <summary>Gets S, the length of the longest chain.</summary>
    public int Width { get; }

    /// <summary>Plans the start token of each prompt.</summary>
    /// <param name="prompts">B.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="device">Where the tensors live.</param>
    public static T5StepPlan Start(int prompts, T5Config config, Device device)
    {
        int[] numbers = [.. Enumerable.Range(0, prompts)];
        int[] starts = [.. numbers.Select(_ => config.StartTokenId)];
        return new T5StepPlan(starts, numbers, [.. numbers.Select(number => new[] { number })], prompts, config, device);
    }

    /// <summary>Plans a step on top of cached prompts.</summary>
    /// <param name="cache">The cache.</param>
    /// <param name="step">The step.</param>
    /// <param name="config">The architecture.</param>
    /// <param name="device">Where the tensors live.</param>
    public static T5StepPlan Of(T5DecodingCache cache, DecodingStep step, T5Config config, Device device)
    {
        DecodingStep.Check(step, cache);
        int start = cache.PromptCount;
        int[][] chains = [.. step.Ancestors.Select((chain, r) => (int[])[step.Prompts[r], .. chain.Select(row => start + row)])];
        return new T5StepPlan(step.Tokens, step.Prompts, chains, start, config, device);
    }
}
