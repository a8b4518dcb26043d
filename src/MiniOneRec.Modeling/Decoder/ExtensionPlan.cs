using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Index tensors of one decoding step, made once and used by every layer.</summary>
internal sealed class ExtensionPlan : IDisposable
{
    private readonly Device _device;
    private readonly int _past;
    private readonly JointRows _joint;
    private Tensor? _turnedSin;
    private (int Window, Tensor? Prompt, Tensor? Chain)? _beyond;

    public ExtensionPlan(PromptCache cache, DecodingStep step, RotaryEmbedding rotary, ScalarType type, Device device)
    {
        DecodingStep.Check(step, cache);
        int rows = step.Tokens.Length;
        (_device, _past) = (device, cache.PromptLengths.Max());
        ChainLength = step.Ancestors.Max(chain => chain.Length);
        var positions = new long[rows];
        var ancestors = new long[rows * ChainLength];
        var chainBias = new float[rows * ChainLength];
        bool uneven = false;
        for (int r = 0; r < rows; r++)
        {
            int[] chain = step.Ancestors[r];
            positions[r] = cache.PromptLengths[step.Prompts[r]] + chain.Length - 1;
            for (int s = 0; s < ChainLength; s++)
            {
                bool real = s < chain.Length;
                ancestors[r * ChainLength + s] = real ? chain[s] : chain[^1];
                chainBias[r * ChainLength + s] = real ? 0 : float.NegativeInfinity;
                uneven |= !real;
            }
        }

        Rows = new AttentionRows(
            step.Prompts,
            [.. step.Prompts.Select(prompt => cache.PromptLengths[prompt])],
            [.. ancestors.Select(ancestor => (int)ancestor)],
            [.. step.Ancestors.Select(chain => chain.Length)]);
        Tokens = Upload.Of([.. step.Tokens.Select(t => (long)t)], device);
        Ancestors = Upload.Of(ancestors, device);
        ChainBias = uneven ? Upload.Of(chainBias, [rows, 1, 1, ChainLength], device) : null;
        (Cos, Sin) = rotary.Angles(Upload.Of(positions, device), type);

        Groups = new PromptGroups(step.Prompts, cache.PromptCount, device);
        PromptBias = cache.PromptBias is null ? null : Groups.PromptsOf(cache.PromptBias);
        _joint = new JointRows(step, cache, Groups, device);
    }

    /// <summary>Gets what rows see where a prompt's keys and those of its rows lie behind each other; made when it is asked for.</summary>
    public JointRows Joint => _joint;

    /// <summary>Gets <see cref="Sin"/> for <see cref="RotaryEmbedding.ApplyTurned"/>; made when it is asked for.</summary>
    public Tensor TurnedSin => _turnedSin ??= RotaryEmbedding.Turn(Sin).DetachFromDisposeScope();

    /// <summary>Gets what each row sees.</summary>
    public AttentionRows Rows { get; }

    public Tensor Tokens { get; }

    public Tensor Cos { get; }

    public Tensor Sin { get; }

    /// <summary>Gets the row numbers of each row's chain, <c>[R·S]</c>; short chains repeat their last.</summary>
    public Tensor Ancestors { get; }

    /// <summary>Gets −∞ where a short chain repeats, <c>[R, 1, 1, S]</c>, or <see langword="null"/> where all are equally long.</summary>
    public Tensor? ChainBias { get; }

    /// <summary>Gets −∞ beyond a prompt's end, <c>[B, 1, 1, P]</c>, or <see langword="null"/> where all are equally long.</summary>
    public Tensor? PromptBias { get; }

    public int ChainLength { get; }

    /// <summary>Gets the rows by prompt.</summary>
    public PromptGroups Groups { get; }

    /// <summary>Gets −∞ where a row does not see under a window: of its prompt <c>[R, 1, 1, P]</c>, of its chain <c>[R, 1, 1, S]</c>;
    /// <see langword="null"/> where all is seen.</summary>
    /// <param name="window">How many positions a row sees at most, its own among them; 0 means all.</param>
    public (Tensor? Prompt, Tensor? Chain) WindowBias(int window)
    {
        if (window == 0)
        {
            return (null, null);
        }

        if (_beyond?.Window != window)
        {
            int rows = Rows.Visible.Length;
            var prompt = new float[rows * _past];
            var chain = new float[rows * ChainLength];
            for (int r = 0; r < rows; r++)
            {
                int beyond = Math.Max(0, Rows.Visible[r] + Rows.ChainLengths[r] - window);
                prompt.AsSpan(r * _past, Math.Min(beyond, Rows.Visible[r])).Fill(float.NegativeInfinity);
                chain.AsSpan(r * ChainLength, Math.Max(0, beyond - Rows.Visible[r])).Fill(float.NegativeInfinity);
            }

            // All layers of the step share them.
            _beyond = (window, Made(prompt, rows, _past), Made(chain, rows, ChainLength));
        }

        return (_beyond!.Value.Prompt, _beyond.Value.Chain);

        Tensor? Made(float[] bias, int rows, int width) =>
            bias.Contains(float.NegativeInfinity) ? Upload.Of(bias, [rows, 1, 1, width], _device).DetachFromDisposeScope() : null;
    }

    /// <summary>Frees what was made for windows and on demand.</summary>
    public void Dispose()
    {
        _turnedSin?.Dispose();
        _joint.Dispose();
        _beyond?.Prompt?.Dispose();
        _beyond?.Chain?.Dispose();
    }
}
