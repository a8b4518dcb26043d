using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Tokens that are run on top of cached prompts: the beams' newest tokens.</summary>
/// <remarks>Rows are ordered by prompt. A row sees its prompt, its ancestors among the rows run so far, and itself.</remarks>
public sealed class DecodingStep
{
    /// <summary>Gets the token ids, one per row.</summary>
    public required int[] Tokens { get; init; }

    /// <summary>Gets which prompt each row continues, ascending.</summary>
    public required int[] Prompts { get; init; }

    /// <summary>
    /// Gets each row's ancestors as row numbers counted over all steps of the cache, oldest first, its own number last. Rows of one step may
    /// be ancestors of later rows of the same step.
    /// </summary>
    public required int[][] Ancestors { get; init; }
}

/// <summary>Keys and values of prompts, computed once and shared by all beams, and those of the few tokens that beams add.</summary>
/// <remarks>
/// Nothing is copied per beam and nothing moves when beams are reordered: beams hold row numbers. Not safe for concurrent use;
/// one cache belongs to one search.
/// </remarks>
public sealed class PromptCache : IDisposable
{
    private readonly List<Layer> _layers = [];

    /// <summary>Gets the number of prompts, once a forward pass filled the cache.</summary>
    public int PromptCount { get; private set; }

    /// <summary>Gets the number of rows that were run on top of the prompts.</summary>
    public int RowCount { get; private set; }

    internal int[] PromptLengths { get; private set; } = [];

    internal Tensor? PromptBias { get; private set; }

    /// <summary>Gets −∞ where a prompt's last token does not see under a window, <c>[B, 1, 1, P]</c>, or <see langword="null"/> where it sees all.</summary>
    /// <param name="window">How many positions it sees at most; 0 means all. The caller's dispose scope owns the result.</param>
    internal Tensor? LastBias(int window)
    {
        int longest = PromptLengths.Max();
        if (window == 0 || window >= longest)
        {
            return null;
        }

        var bias = new float[PromptCount * longest];
        for (int b = 0; b < PromptCount; b++)
        {
            bias.AsSpan(b * longest, Math.Max(0, PromptLengths[b] - window)).Fill(float.NegativeInfinity);
        }

        return tensor(bias, [PromptCount, 1, 1, longest], device: _layers[0].PromptKeys.device);
    }

    /// <summary>Gets the hidden states of the prompts' last tokens after the final norm, <c>[B, D]</c>, where a search left its prompts here; else <see langword="null"/>.</summary>
    public Tensor? Last { get; private set; }

    /// <summary>Forgets the rows on top of the prompts and keeps the prompts.</summary>
    public void Rewind()
    {
        RowCount = 0;
        foreach (var layer in _layers)
        {
            layer.Keys?.Dispose();
            layer.Values?.Dispose();
            (layer.Keys, layer.Values) = (null, null);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Rewind();
        foreach (var layer in _layers)
        {
            layer.PromptKeys.Dispose();
            layer.PromptValues.Dispose();
        }

        _layers.Clear();
        PromptBias?.Dispose();
        Last?.Dispose();
        (PromptBias, Last) = (null, null);
    }

    internal void Begin(TokenBatch batch)
    {
        if (_layers.Count > 0)
        {
            throw new InvalidOperationException("The cache holds prompts already; make a new one per forward pass.");
        }

        if (batch.Mask is not null)
        {
            throw new ArgumentException("Prompts are chains; a tree cannot be continued.", nameof(batch));
        }

        PromptCount = batch.Count;
        PromptLengths = [.. batch.Lengths];
        if (batch.Pad is not null)
        {
            var bias = new float[batch.Count * batch.MaxLength];
            for (int b = 0; b < batch.Count; b++)
            {
                bias.AsSpan(b * batch.MaxLength + batch.Lengths[b], batch.MaxLength - batch.Lengths[b]).Fill(float.NegativeInfinity);
            }

            PromptBias = tensor(bias, [batch.Count, 1, 1, batch.MaxLength], device: batch.Tokens.device).DetachFromDisposeScope();
        }
    }

    /// <summary>Forgets what a search added, and keeps what a pass over other completions of the same prompts needs.</summary>
    internal void Leave(Tensor last)
    {
        Rewind();
        Last = last.alias().DetachFromDisposeScope();
    }

    /// <summary>Adds one layer's prompt keys and values, <c>[B, Hkv, P, Dh]</c>.</summary>
    internal Layer AddPrompt(Tensor keys, Tensor values)
    {
        var layer = new Layer(keys.contiguous().DetachFromDisposeScope(), values.contiguous().DetachFromDisposeScope());
        _layers.Add(layer);
        return layer;
    }

    internal Layer this[Index layer] => _layers[layer];

    internal void Advance(int rows) => RowCount += rows;

    /// <summary>One layer's share.</summary>
    internal sealed class Layer(Tensor promptKeys, Tensor promptValues)
    {
        /// <summary>Gets <c>[B, Hkv, P, Dh]</c>.</summary>
        public Tensor PromptKeys { get; } = promptKeys;

        /// <summary>Gets <c>[B, Hkv, P, Dh]</c>.</summary>
        public Tensor PromptValues { get; } = promptValues;

        /// <summary>Gets or sets the keys of all rows so far, <c>[M, Hkv, Dh]</c>.</summary>
        public Tensor? Keys { get; set; }

        /// <summary>Gets or sets the values of all rows so far, <c>[M, Hkv, Dh]</c>.</summary>
        public Tensor? Values { get; set; }

        public void Append(Tensor keys, Tensor values)
        {
            var (oldKeys, oldValues) = (Keys, Values);
            Keys = (oldKeys is null ? keys.contiguous().alias() : cat([oldKeys, keys])).DetachFromDisposeScope();
            Values = (oldValues is null ? values.contiguous().alias() : cat([oldValues, values])).DetachFromDisposeScope();
            oldKeys?.Dispose();
            oldValues?.Dispose();
        }
    }
}
