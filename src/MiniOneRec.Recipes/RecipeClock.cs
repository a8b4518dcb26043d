using System.Diagnostics;

namespace MiniOneRec.Recipes;

/// <summary>Divides the time that a run may take over its trainings.</summary>
/// <remarks>Validations, evaluations and tuning are not bounded; the shares leave room for them.</remarks>
/// <param name="budget">The time of the whole run, or <see langword="null"/> for no bound.</param>
/// <param name="earlier">Seconds by stage that earlier runs took, to which this one adds.</param>
internal sealed class RecipeClock(TimeSpan? budget, IReadOnlyDictionary<string, double> earlier)
{
    /// <summary>The share of a quantizer.</summary>
    public const double IndexShare = 0.2;

    /// <summary>The stage in which a quantizer learns.</summary>
    public const string Quantizer = "quantizer";

    private const double BaselineShare = 0.15, SftShare = 0.65, SftShareBeforeGrpo = 0.45, GrpoShare = 0.55;
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(1);
    private readonly Dictionary<string, double> _earlier = new(earlier);
    private readonly long _began = Stopwatch.GetTimestamp();

    /// <summary>Gets how long a quantizer may learn, or <see langword="null"/> for no bound.</summary>
    /// <param name="planned">The time that the run is planned for where it has no budget, or <see langword="null"/>.</param>
    public TimeSpan? ForIndex(TimeSpan? planned) => Share(Quantizer, IndexShare, budget ?? planned);

    /// <summary>Gets how long supervised training may take, or <see langword="null"/> for no bound.</summary>
    /// <param name="reinforces">Whether GRPO follows.</param>
    public TimeSpan? ForSft(bool reinforces) => Share("sft", reinforces ? SftShareBeforeGrpo : SftShare, budget);

    /// <summary>Gets how long GRPO may take, or <see langword="null"/> for no bound.</summary>
    public TimeSpan? ForGrpo() => Share("grpo", GrpoShare, budget);

    /// <summary>Gets how long a baseline may train, or <see langword="null"/> for no bound.</summary>
    /// <param name="stage">The baseline.</param>
    public TimeSpan? ForBaseline(string stage) => Share(stage, BaselineShare, budget);

    // What an earlier run trained of the stage counts as the stage's own time.
    private TimeSpan? Share(string stage, double share, TimeSpan? time)
    {
        if (time is not { } whole)
        {
            return null;
        }

        double others = _earlier.Where(pair => pair.Key != stage).Sum(pair => pair.Value);
        var left = (whole - TimeSpan.FromSeconds(others) - Stopwatch.GetElapsedTime(_began)) * share;
        return left > Least ? left : Least;
    }
}
