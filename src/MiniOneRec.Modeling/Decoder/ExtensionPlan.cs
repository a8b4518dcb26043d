using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Index tensors of one decoding step, made once and used by every layer.</summary>
internal sealed class ExtensionPlan : IDisposable
{
    private readonly Tensor? _pad;
    private readonly Tensor? _unpad;
    private readonly Tensor? _promptIndex;
    private readonly Device _device;
    private readonly int _past;
    private (int Window, Tensor? Prompt, Tensor? Chain)? _beyond;

    public ExtensionPlan(PromptCache cache, DecodingStep step, RotaryEmbedding rotary, ScalarType type, Device device)
    {
        int rows = step.Tokens.Length;
        if (rows == 0 || step.Prompts.Length != rows || step.Ancestors.Length != rows)
        {
            throw new ArgumentException($"A step needs one token, prompt and ancestor list per row; got {rows}, {step.Prompts.Length}, {step.Ancestors.Length}.", nameof(step));
        }

        (_device, _past) = (device, cache.PromptLengths.Max());
        ChainLength = step.Ancestors.Max(chain => chain.Length);
        var positions = new long[rows];
        var ancestors = new long[rows * ChainLength];
        var chainBias = new float[rows * ChainLength];
        bool uneven = false;
        for (int r = 0; r < rows; r++)
        {
            int[] chain = step.Ancestors[r];
            if ((uint)step.Prompts[r] >= (uint)cache.PromptCount || chain.Length == 0 || chain[^1] != cache.RowCount + r || (r > 0 && step.Prompts[r] < step.Prompts[r - 1]))
            {
                throw new ArgumentException($"Row {r} is out of order: rows ascend by prompt and end their ancestor list with their own number.", nameof(step));
            }

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
        Tokens = tensor([.. step.Tokens.Select(t => (long)t)], device: device);
        Ancestors = tensor(ancestors, device: device);
        ChainBias = uneven ? tensor(chainBias, [rows, 1, 1, ChainLength], device: device) : null;
        (Cos, Sin) = rotary.Angles(tensor(positions, device: device), type);

        // Prompts that still have rows, and how many each.
        int[] active = [.. step.Prompts.Distinct()];
        int[] counts = [.. step.Prompts.CountBy(p => p).OrderBy(pair => pair.Key).Select(pair => pair.Value)];
        Prompts = active.Length;
        RowsPerPrompt = counts.Max();
        if (active.Length != cache.PromptCount)
        {
            _promptIndex = tensor([.. active.Select(p => (long)p)], device: device);
        }

        PromptBias = cache.PromptBias is null ? null : PromptsOf(cache.PromptBias);
        if (counts.Any(count => count != RowsPerPrompt))
        {
            var pad = new long[Prompts * RowsPerPrompt];
            var unpad = new long[rows];
            for (int p = 0, row = 0; p < Prompts; row += counts[p++])
            {
                for (int w = 0; w < RowsPerPrompt; w++)
                {
                    pad[p * RowsPerPrompt + w] = row + (w < counts[p] ? w : 0);
                    if (w < counts[p])
                    {
                        unpad[row + w] = p * RowsPerPrompt + w;
                    }
                }
            }

            (_pad, _unpad) = (tensor(pad, device: device), tensor(unpad, device: device));
        }
    }

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

    public int Prompts { get; }

    public int RowsPerPrompt { get; }

    /// <summary>Gets −∞ where a row does not see under a window: of its prompt <c>[R, 1, 1, P]</c>, of its chain <c>[R, 1, 1, S]</c>; <see langword="null"/> where all is seen.</summary>
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
            bias.Contains(float.NegativeInfinity) ? tensor(bias, [rows, 1, 1, width], device: _device).DetachFromDisposeScope() : null;
    }

    /// <summary>Frees what was made for windows.</summary>
    public void Dispose()
    {
        _beyond?.Prompt?.Dispose();
        _beyond?.Chain?.Dispose();
    }

    /// <summary>Selects the prompts that still have rows.</summary>
    public Tensor PromptsOf(Tensor all) => _promptIndex is null ? all : all.index_select(0, _promptIndex);

    /// <summary><c>[R, …]</c> to <c>[B, W, …]</c>.</summary>
    public Tensor ToPadded(Tensor rows)
    {
        long[] shape = [Prompts, RowsPerPrompt, .. rows.shape.AsSpan(1)];
        return (_pad is null ? rows : rows.index_select(0, _pad)).reshape(shape);
    }

    /// <summary><c>[B, W, …]</c> to <c>[R, …]</c>.</summary>
    public Tensor ToPacked(Tensor padded)
    {
        long[] shape = [Prompts * RowsPerPrompt, .. padded.shape.AsSpan(2)];
        var flat = padded.reshape(shape);
        return _unpad is null ? flat : flat.index_select(0, _unpad);
    }
}
