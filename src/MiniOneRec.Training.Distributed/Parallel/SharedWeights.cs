using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Weights that the first process stores for all.</summary>
/// <param name="first">The store of the first process, <see langword="null"/> in the others.</param>
/// <param name="parallel">The processes.</param>
internal sealed class SharedWeights(IWeightStore? first, ParallelRun parallel) : IWeightStore
{
    /// <inheritdoc/>
    public string? Save(long step, IReadOnlyList<(string Name, Tensor Value)> weights) =>
        parallel.OnFirst(() => first!.Save(step, weights));

    /// <inheritdoc/>
    public void Load(KeptWeights kept, IReadOnlyList<(string Name, Tensor Value)> weights)
    {
        parallel.OnFirst(() => first!.Load(kept, weights));
        parallel.Broadcast(weights.Select(pair => pair.Value));
    }

    /// <inheritdoc/>
    public void Forget(KeptWeights kept) => first?.Forget(kept);
}
