using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>What a T5 keeps of a search: what the encoder left of the prompts, and the decoder's own keys and values of each row.</summary>
/// <remarks>The decoder's start token is a row of each prompt that all its rows attend to; it stands before row 0 and is never
/// dropped.</remarks>
internal sealed class T5DecodingCache : DecodingCache
{
    private T5Memory? _memory;
    private Layer[] _layers = [];

    /// <summary>Gets the output of the encoder.</summary>
    public T5Memory Memory => _memory ?? throw new InvalidOperationException("The cache holds no prompts; call Prefill first.");

    /// <summary>Gets the decoder's own keys and values, block by block.</summary>
    public IReadOnlyList<Layer> Layers => _layers;

    /// <summary>Takes what the encoder left of prompts.</summary>
    /// <param name="memory">Becomes the cache's.</param>
    /// <param name="prompts">B.</param>
    /// <exception cref="InvalidOperationException">The cache holds prompts already.</exception>
    public void Begin(T5Memory memory, int prompts)
    {
        if (_memory is not null)
        {
            throw new InvalidOperationException("The cache holds prompts already; make a new one per search.");
        }

        (_memory, PromptCount) = (memory, prompts);
        _layers = [.. memory.Layers.Select(_ => new Layer())];
    }

    /// <inheritdoc/>
    protected override void DropRows()
    {
        foreach (var layer in _layers)
        {
            layer.KeepFirst(PromptCount);
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
                layer.KeepFirst(0);
            }

            _memory?.Dispose();
            (_layers, _memory) = ([], null);
        }
    }

    /// <summary>The decoder's own keys and values in one block: of the B start tokens, then of the rows.</summary>
    internal sealed class Layer
    {
        /// <summary>Gets <c>[B + M, H, Dh]</c>.</summary>
        public Tensor? Keys { get; private set; }

        /// <summary>Gets <c>[B + M, H, Dh]</c>.</summary>
        public Tensor? Values { get; private set; }

        /// <summary>Adds rows.</summary>
        /// <param name="keys"><c>[R, H, Dh]</c>.</param>
        /// <param name="values"><c>[R, H, Dh]</c>.</param>
        public void Append(Tensor keys, Tensor values) =>
            Replace(Keys is null ? keys.clone() : cat([Keys, keys]), Values is null ? values.clone() : cat([Values, values]));

        /// <summary>Drops all rows but the first.</summary>
        /// <param name="rows">How many are kept.</param>
        public void KeepFirst(int rows)
        {
            if (rows == 0)
            {
                Replace(null, null);
            }
            else if (Keys is not null && Keys.size(0) > rows)
            {
                using var scope = NewDisposeScope();
                Replace(Keys.narrow(0, 0, rows).clone(), Values!.narrow(0, 0, rows).clone());
            }
        }

        private void Replace(Tensor? keys, Tensor? values)
        {
            Keys?.Dispose();
            Values?.Dispose();
            (Keys, Values) = (keys?.DetachFromDisposeScope(), values?.DetachFromDisposeScope());
        }
    }
}
