using MiniOneRec.Tensors;
using MiniOneRec.Training;

namespace MiniOneRec.Reinforcement;

/// <summary>Updates a policy's weights, counts the updates and tells the reference that the policy moved.</summary>
internal sealed class PolicyUpdate(IWeightUpdate update, ReferencePolicy reference) : IDisposable
{
    /// <summary>Gets the updates taken.</summary>
    public long Count { get; private set; }

    /// <summary>Takes one optimizer step with the gradients that the weights hold, and clears them.</summary>
    /// <param name="learningRate">The learning rate.</param>
    /// <returns>The gradient's norm before clipping; where it is not finite nothing was updated.</returns>
    public double Apply(double learningRate)
    {
        var (norm, moved) = update.Apply(learningRate);
        if (moved)
        {
            reference.PolicyMoved();
            Count++;
        }

        update.ZeroGrad();
        return norm;
    }

    /// <summary>Gets what this process keeps of the weights and of the optimizer's tensors, for checkpoints.</summary>
    /// <param name="names">The names of the weights.</param>
    public (IReadOnlyList<StatePart> Weights, IReadOnlyList<StatePart> Optimizer) State(IReadOnlyList<string> names) =>
        (update.PartsOf(names, update.Moved), update.State());

    /// <summary>Continues after weights and optimizer's tensors were filled in.</summary>
    public void Restore(long count)
    {
        Count = count;
        update.RestoreSteps(count);
        update.Publish();
    }

    /// <inheritdoc/>
    public void Dispose() => update.Dispose();
}
