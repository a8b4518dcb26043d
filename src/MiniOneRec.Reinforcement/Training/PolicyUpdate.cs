using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;

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

    /// <summary>Gets what this process keeps of the optimizer's tensors, for checkpoints.</summary>
    public IReadOnlyList<StatePart> State() => update.State();

    /// <summary>Gets what this process moves of the weights: all, or its share.</summary>
    /// <param name="names">The names of the weights.</param>
    public IReadOnlyList<StatePart> Weights(IReadOnlyList<string> names) => update.PartsOf(names, update.Moved);

    /// <inheritdoc cref="IWeightUpdate.HoldWhole"/>
    public IDisposable? HoldWhole() => update.HoldWhole();

    /// <inheritdoc cref="IWeightUpdate.Publish"/>
    public void Publish() => update.Publish();

    /// <inheritdoc cref="IWeightUpdate.GiveBack"/>
    public void GiveBack() => update.GiveBack();

    /// <summary>Computes the gradients of one update, pass by pass; processes that divide the weights take part in each other's.</summary>
    /// <param name="model">The model.</param>
    /// <param name="passes">This process's passes.</param>
    /// <param name="parallel">The processes.</param>
    /// <param name="backward">Leaves the gradient of a pass with the weights; runs the model forward once.</param>
    public void Accumulate<T>(CausalLanguageModel model, IReadOnlyList<T> passes, ParallelRun parallel, Action<T> backward)
    {
        bool divides = parallel.Sharding == Sharding.Weights;
        int rounds = divides ? parallel.Group.GatherEqual<int>([passes.Count]).Max() : passes.Count;
        for (int round = 0; round < rounds; round++)
        {
            if (round >= passes.Count)
            {
                update.Idle();
                continue;
            }

            try
            {
                model.Observer = divides ? update.Observe(isLast: round == passes.Count - 1) : null;
                backward(passes[round]);
            }
            finally
            {
                model.Observer = null;
            }

            if (divides)
            {
                update.Collect();
            }
        }
    }

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
