using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;

namespace MiniOneRec.Reinforcement;

internal sealed partial class PolicyRun
{
    // Whether each process keeps its share of the weights alone.
    private bool Divides => _parallel.Sharding == Sharding.Weights;

    // What this process keeps of the trained weights.
    private IReadOnlyList<StatePart> Weights => Divides ? _context.Update.Weights([.. _trained.All.Select(pair => pair.Name)])
        : [.. _trained.Tensors];

    private void PutBest()
    {
        if (_selection.Best is not null)
        {
            _selection.CopyTo(Weights);
        }
    }

    // Weights beside the model's own, such as adapters, stay whole.
    private static int[] Blocks(CausalLanguageModel model, TrainableSet trained)
    {
        var own = model.named_parameters().Select(pair => pair.name).ToHashSet(StringComparer.Ordinal);
        return [.. trained.All.Select(pair => own.Contains(pair.Name) ? model.BlockOf(pair.Name) : -1)];
    }

    private string? BadWeight() => FiniteWeights.FirstBad(Weights.Select(part => (part.Name, part.Value))) is { } bad
        ? $"weight '{bad}' holds a number that is not finite" : null;

    private IReadOnlyList<StatePart> Parts() =>
    [
        .. _context.Update.Weights([.. _trained.All.Select(pair => PolicyIdentity.Prefix + pair.Name)]),
        .. _context.Reference.State("reference."),
        .. _context.Update.State().Select(part => part with { Name = OptimizerPrefix + part.Name }),
    ];
}
