using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>The mean of a catalogue and one deviation for all coordinates, so that distances keep their proportions.</summary>
internal sealed class VectorScale : IDisposable
{
    /// <param name="x">The catalogue, <c>[N, E]</c>.</param>
    public VectorScale(Tensor x)
    {
        using var scope = NewDisposeScope();
        Mean = x.mean([0]).DetachFromDisposeScope();
        double variance = x.var(0, unbiased: false).mean().item<float>();
        Deviation = variance > 0 ? Math.Sqrt(variance) : 1;
    }

    /// <summary>Gets the mean, <c>[E]</c>.</summary>
    public Tensor Mean { get; }

    /// <summary>Gets the root of the mean variance of a coordinate; 1 where it is too small for a float.</summary>
    public double Deviation { get; }

    /// <summary>Brings vectors to mean 0 and variance 1 over all coordinates, <c>[B, E]</c>.</summary>
    public Tensor Standardise(Tensor x)
    {
        using var scope = NewDisposeScope();
        return ((x - Mean) / Scalars.Of(Deviation)).MoveToOuterDisposeScope();
    }

    public void Dispose() => Mean.Dispose();
}
