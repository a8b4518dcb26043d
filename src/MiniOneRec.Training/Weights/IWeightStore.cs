namespace MiniOneRec.Training;

/// <summary>Weights that did well in validation.</summary>
/// <param name="Step">The step after which they were measured.</param>
/// <param name="Value">The figure.</param>
/// <param name="Sha256">The hash of their file, or <see langword="null"/> where they are in memory or version 0.1 wrote them.</param>
internal sealed record KeptWeights(long Step, double Value, string? Sha256 = null);

/// <summary>Where <see cref="BestWeights"/> puts weights.</summary>
internal interface IWeightStore
{
    /// <summary>Stores the weights of a step.</summary>
    /// <returns>The hash of their file, or <see langword="null"/>.</returns>
    string? Save(long step, IReadOnlyList<StatePart> weights);

    /// <summary>Copies stored weights into tensors of the same names.</summary>
    void Load(KeptWeights kept, IReadOnlyList<StatePart> weights);

    /// <summary>Lets go of weights that are no longer among the best.</summary>
    void Forget(KeptWeights kept);
}
