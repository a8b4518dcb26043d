using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

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

    /// <summary>Gets the optimizer's tensors by name, for checkpoints.</summary>
    public IEnumerable<(string Name, Tensor Value)> State() => update.State();

    /// <summary>Gets the optimizer's tensors of all processes put together.</summary>
    public IEnumerable<(string Name, Tensor Value)> Whole() => update.Whole();

    /// <summary>Takes this process's part of a tensor of <see cref="Whole"/>.</summary>
    public void Receive(string name, Tensor whole) => update.Receive(name, whole);

    /// <summary>Continues after the optimizer's tensors were filled in.</summary>
    public void Restore(long count)
    {
        Count = count;
        update.RestoreSteps(count);
    }

    /// <inheritdoc/>
    public void Dispose() => update.Dispose();
}
