using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Keys and values of prompts, computed once and shared by all beams, and those of the few tokens that beams add.</summary>
/// <remarks>
/// Nothing is copied per beam and nothing moves when beams are reordered: beams hold row numbers. Not safe for concurrent use;
/// one cache belongs to one search.
/// </remarks>
public sealed class PromptCache : DecodingCache
{
    private readonly List<Layer> _layers = [];

    internal int[] PromptLengths { get; private set; } = [];

    /// <summary>Gets the tokens of the rows on top of the prompts, where the model's content reads them.</summary>
    internal List<int> RowTokens { get; } = [];

    internal Tensor? PromptBias { get; private set; }

    /// <summary>Gets −∞ where a prompt's last token does not see under a window, <c>[B, 1, 1, P]</c>, or <see langword="null"/> where it
    /// sees all.</summary>
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

        return Upload.Of(bias, [PromptCount, 1, 1, longest], _layers[0].PromptKeys.device);
    }

    /// <inheritdoc/>
    protected override void DropRows()
    {
        RowTokens.Clear();
        foreach (var layer in _layers)
        {
            layer.Keys?.Dispose();
            layer.Values?.Dispose();
            (layer.Keys, layer.Values) = (null, null);
        }
    }

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        if (disposing)
        {
            foreach (var layer in _layers)
            {
                layer.PromptKeys.Dispose();
                layer.PromptValues.Dispose();
            }

            _layers.Clear();
            PromptBias?.Dispose();
            PromptBias = null;
        }
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

        Begin([.. batch.Lengths], batch.Tokens.device);
    }

    /// <summary>Begins with prompts whose keys and values are there already.</summary>
    /// <param name="lengths">How many tokens each prompt has.</param>
    /// <param name="device">Where keys and values are.</param>
    internal void Begin(int[] lengths, Device device)
    {
        (PromptCount, PromptLengths) = (lengths.Length, lengths);
        int longest = lengths.Max();
        if (Array.Exists(lengths, length => length != longest))
        {
            var bias = new float[lengths.Length * longest];
            for (int b = 0; b < lengths.Length; b++)
            {
                bias.AsSpan(b * longest + lengths[b], longest - lengths[b]).Fill(float.NegativeInfinity);
            }

            PromptBias = Upload.Of(bias, [lengths.Length, 1, 1, longest], device).DetachFromDisposeScope();
        }
    }

    /// <summary>Adds one layer's prompt keys and values, <c>[B, Hkv, P, Dh]</c>.</summary>
    internal Layer AddPrompt(Tensor keys, Tensor values)
    {
        var layer = new Layer(keys.contiguous().DetachFromDisposeScope(), values.contiguous().DetachFromDisposeScope());
        _layers.Add(layer);
        return layer;
    }

    internal Layer this[Index layer] => _layers[layer];

    /// <summary>Gets how many layers there are.</summary>
    internal int LayerCount => _layers.Count;

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
