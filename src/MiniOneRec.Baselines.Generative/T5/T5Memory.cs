using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Holds the encoder's output for the decoder: keys and values of every block, computed once for any number of decoder
/// rows.</summary>
public sealed class T5Memory : IDisposable
{
    /// <summary>Added to scores of tokens that must not be seen.</summary>
    internal const float Hidden = -1e9f;

    internal T5Memory((Tensor Keys, Tensor Values)[] layers, Tensor mask)
    {
        (Layers, Mask) = (layers, mask);
        foreach (var (keys, values) in layers)
        {
            keys.DetachFromDisposeScope();
            values.DetachFromDisposeScope();
        }

        mask.DetachFromDisposeScope();
    }

    /// <summary>Gets B, the number of encoded sequences.</summary>
    public long Count => Mask.size(0);

    /// <summary>Gets keys and values of each block, <c>[B, H, T, Dh]</c>.</summary>
    internal (Tensor Keys, Tensor Values)[] Layers { get; }

    /// <summary>Gets <c>[B, 1, 1, T]</c>, 0 where a token counts.</summary>
    internal Tensor Mask { get; }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (keys, values) in Layers)
        {
            keys.Dispose();
            values.Dispose();
        }

        Mask.Dispose();
    }
}
