using System.Diagnostics;
using System.Globalization;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Measures a policy on held-out examples and keeps the weights that are established to be better than those at the
/// start.</summary>
/// <param name="heldOut">Measures.</param>
/// <param name="guards">By which figure, by how many standard errors, above which floor.</param>
/// <param name="store">Where the best weights are put, by default memory; not owned.</param>
internal sealed class PolicySelection(HeldOut heldOut, GuardOptions guards, IWeightStore? store) : IDisposable
{
    private readonly BestWeights _best = new(1, (value, than) => value > than, store);

    /// <summary>Gets the best weights, or <see langword="null"/> before the first validation.</summary>
    public KeptWeights? Best => _best.Best;

    /// <summary>Gets the figure of each row with the starting weights.</summary>
    public IReadOnlyList<double> StartGains { get; private set; } = [];

    /// <summary>Gets NDCG@10 of the starting weights.</summary>
    public double StartNdcg { get; private set; }

    private double Floor => Math.Max(guards.NdcgFloor, guards.NdcgFloorShare * StartNdcg);

    /// <summary>Continues with what an earlier part of the run measured.</summary>
    public void Restore(PolicyState state)
    {
        _best.Restore(state.Best);
        (StartGains, StartNdcg) = (state.StartGains, state.StartNdcg);
    }

    /// <summary>Measures the policy as it stands.</summary>
    /// <param name="parallel">The processes, each of which measures a part of the rows.</param>
    /// <param name="step">Steps done.</param>
    /// <param name="weights">What this process keeps of the trained weights, which is copied where they are the best.</param>
    /// <param name="metrics">Receives the figures.</param>
    /// <param name="cancellationToken">Ends the measurement.</param>
    /// <returns>The figures, and whether the weights are the best so far.</returns>
    public (HeldOutFigures Figures, bool Improved) Measure(
        ParallelRun parallel, long step, IReadOnlyList<StatePart> weights, Dictionary<string, double> metrics,
        CancellationToken cancellationToken)
    {
        long start = Stopwatch.GetTimestamp();
        var figures = heldOut.Measure(parallel, cancellationToken);
        foreach (var (name, figure) in figures.Ranking)
        {
            metrics[name] = figure;
        }

        foreach (var (name, reward) in figures.Rewards)
        {
            metrics[name.Length == 0 ? "validation_reward" : $"validation_reward/{name}"] = reward;
        }

        if (guards.SelectBy == GuardFigure.Blend)
        {
            metrics[guards.FigureName] = figures.Value;
        }

        metrics["seconds/validation"] = Stopwatch.GetElapsedTime(start).TotalSeconds;
        return (figures, IsEstablished(figures, metrics) && _best.Offer(step, figures.Value, weights));
    }

    /// <summary>Puts the best weights back.</summary>
    public void CopyTo(IReadOnlyList<StatePart> weights) => _best.CopyTo(weights);

    /// <summary>Says why patience ends a run.</summary>
    public string Impatience(long step) => string.Create(
        CultureInfo.InvariantCulture,
        $"patience: {guards.FigureName} did not rise above {Best?.Value:F4} of step {Best?.Step} in {guards.Patience} validations, "
        + $"at step {step}");

    /// <summary>Says why no later weights took the place of the starting ones.</summary>
    /// <param name="history">The figures of the run's steps.</param>
    public string WhyStart(IEnumerable<StepFigures> history)
    {
        var later = history.Where(figures => figures.Metrics.ContainsKey("validation_gain")).Select(figures => figures.Metrics).ToArray();
        int below = later.Count(metrics => metrics.GetValueOrDefault("below_floor") > 0);
        string floor = Floor > 0 ? $"; NDCG@10 of {below} lay below the floor of {Number(Floor)}" : "";
        return later.Length == 0
            ? "no later weights were validated"
                : $"none of {later.Length} validations had {guards.FigureName} above the start's {Number(Best?.Value ?? double.NaN)} by "
                + $"more than {guards.RequiredErrors} standard errors "
                + $"(the largest gain was {Number(later.Max(metrics => metrics["validation_gain"]))}){floor}";

        static string Number(double value) => value.ToString("F4", CultureInfo.InvariantCulture);
    }

    /// <inheritdoc/>
    public void Dispose() => _best.Dispose();

    private bool IsEstablished(HeldOutFigures figures, Dictionary<string, double> metrics)
    {
        if (Best is null)
        {
            (StartGains, StartNdcg) = (figures.Values, figures.Ndcg10);
            return true;
        }

        var (gain, error) = figures.Over(StartGains);
        (metrics["validation_gain"], metrics["validation_gain_error"]) = (gain, error);
        bool below = figures.Ndcg10 < Floor;
        if (Floor > 0)
        {
            metrics["below_floor"] = below ? 1 : 0;
        }

        return !(below || gain <= guards.RequiredErrors * error);
    }
}
