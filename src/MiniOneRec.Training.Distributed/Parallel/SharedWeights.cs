namespace MiniOneRec.Training.Distributed;

/// <summary>Weights that the first process stores for all.</summary>
/// <param name="first">The store of the first process, <see langword="null"/> in the others.</param>
/// <param name="parallel">The processes.</param>
/// <param name="divided">Whether each process has its share of the weights alone.</param>
internal sealed class SharedWeights(IWeightStore? first, ParallelRun parallel, bool divided = false) : IWeightStore
{
    /// <inheritdoc/>
    public string? Save(long step, IReadOnlyList<StatePart> weights)
    {
        if (!divided)
        {
            return parallel.OnFirst(() => first!.Save(step, weights));
        }

        var wholes = new List<StatePart>();
        try
        {
            parallel.Assemble(weights, (name, whole) =>
            {
                if (parallel.IsFirst)
                {
                    wholes.Add((name, whole.DetachFromDisposeScope()));
                }
            });
            return parallel.OnFirst(() => first!.Save(step, wholes));
        }
        finally
        {
            Dispose(wholes);
        }
    }

    /// <inheritdoc/>
    public void Load(KeptWeights kept, IReadOnlyList<StatePart> weights)
    {
        if (!divided)
        {
            parallel.OnFirst(() => first!.Load(kept, weights));
            parallel.Broadcast(weights.Select(part => part.Value));
            return;
        }

        var facts = DividedState.Facts(parallel, weights);
        StatePart[] wholes = !parallel.IsFirst ? []
            : [.. facts.Select(fact => (StatePart)(fact.Name, TorchSharp.torch.empty(fact.Shape, dtype: fact.Type)))];
        try
        {
            parallel.OnFirst(() => first!.Load(kept, wholes));
            var values = wholes.ToDictionary(part => part.Name, part => part.Value, StringComparer.Ordinal);
            parallel.Scatter(weights, facts, fact => values[fact.Name].alias());
        }
        finally
        {
            Dispose(wholes);
        }
    }

    /// <inheritdoc/>
    public void Forget(KeptWeights kept) => first?.Forget(kept);

    private static void Dispose(IEnumerable<StatePart> wholes)
    {
        foreach (var part in wholes)
        {
            part.Value.Dispose();
        }
    }
}
