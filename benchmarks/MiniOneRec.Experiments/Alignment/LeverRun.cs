using System.Globalization;
using MiniOneRec.Recipes;
using MiniOneRec.Alignment;

namespace MiniOneRec.Experiments;

/// <summary>One training of the small decoder: everything that its result depends on.</summary>
internal sealed record LeverRun
{
    /// <summary>The name of the run that the others differ from in one thing.</summary>
    public const string Base = "base";

    private static readonly Dictionary<string, Func<LeverRun, LeverRun>> Changes = new(StringComparer.Ordinal)
    {
        [Base] = run => run,
        ["rows"] = run => run with { Mode = NextItemMode.Row, TeacherShare = 0 },
        ["no-teacher"] = run => run with { TeacherShare = 0 },
        ["window"] = run => run with { WindowShare = 0.5 },
        ["no-average"] = run => run with { AverageDecay = 0 },
        ["no-smoothing"] = run => run with { LabelSmoothing = 0 },
        ["no-dropout"] = run => run with { Dropout = 0 },
        ["dropout-0.3"] = run => run with { Dropout = 0.3 },
        ["width-64"] = run => run with { Hidden = 64 },
        ["width-256"] = run => run with { Hidden = 256, LearningRate = 1.5e-3 },
        ["depth-1"] = run => run with { Layers = 1 },
        ["depth-4"] = run => run with { Layers = 4 },
        ["input"] = run => run with { ContentAtInput = true },
        ["dense"] = run => run with { DenseHead = true },
        ["init"] = run => run with { CodesFromContent = true },
        ["rules"] = run => run with { Rules = true },
        ["titles"] = run => run with { Titles = true, TeacherShare = 0 },
    };

    private static readonly Dictionary<string, Func<LeverRun, double, LeverRun>> Numbers = new(StringComparer.Ordinal)
    {
        ["teacher"] = (run, value) => run with { TeacherShare = value },
        ["branches"] = (run, value) => run with { TeacherBranches = (int)value },
        ["window"] = (run, value) => run with { WindowShare = value },
        ["average"] = (run, value) => run with { AverageDecay = value },
        ["smoothing"] = (run, value) => run with { LabelSmoothing = value },
        ["dropout"] = (run, value) => run with { Dropout = value },
        ["width"] = (run, value) => run with { Hidden = (int)value },
        ["depth"] = (run, value) => run with { Layers = (int)value },
        ["rate"] = (run, value) => run with { LearningRate = value },
        ["decay"] = (run, value) => run with { WeightDecay = value },
        ["epochs"] = (run, value) => run with { Epochs = (int)value },
        ["batch"] = (run, value) => run with { BatchSize = (int)value },
        ["bits"] = (run, value) => run with
        {
            Precision = value switch { 16 => TrainingPrecision.BFloat16, 32 => TrainingPrecision.Full,
                _ => throw new ArgumentException($"bits is {value}; expected 16 or 32.") },
        },
    };

    // These change nothing without vectors, or train nothing.
    private static readonly string[] OnRequest = ["input", "dense", "init", "rules"];

    /// <summary>Gets the levers that are pulled where none are named.</summary>
    public static IReadOnlyCollection<string> Levers => [.. Changes.Keys.Except(OnRequest)];

    public required string DataSet { get; init; }

    public string Lever { get; init; } = Base;

    public required int Seed { get; init; }

    public required int Epochs { get; init; }

    /// <summary>Gets how many users are trained on; 0 for all.</summary>
    public int Users { get; init; }

    public NextItemMode Mode { get; init; } = NextItemMode.Sequence;

    public double TeacherShare { get; init; } = 0.4;

    public int TeacherBranches { get; init; }

    public double WindowShare { get; init; }

    public double AverageDecay { get; init; } = 0.99;

    public double LabelSmoothing { get; init; } = 0.1;

    public double Dropout { get; init; } = 0.2;

    public int Hidden { get; init; } = 128;

    public int Layers { get; init; } = 2;

    public double LearningRate { get; init; } = 2e-3;

    public double WeightDecay { get; init; } = 0.1;

    public int BatchSize { get; init; } = 64;

    public TrainingPrecision Precision { get; init; } = TrainingPrecision.Full;

    /// <summary>Gets whether titles are learned beside sequences, in both directions.</summary>
    public bool Titles { get; init; }

    /// <summary>Gets whether the items' vectors enter at the input; needs <c>--embeddings</c>.</summary>
    public bool ContentAtInput { get; init; }

    /// <summary>Gets whether there is a dense head; needs <c>--embeddings</c>.</summary>
    public bool DenseHead { get; init; }

    /// <summary>Gets whether the rows of codes start from the mean vectors of their items; needs <c>--embeddings</c>.</summary>
    public bool CodesFromContent { get; init; }

    /// <summary>Gets whether the sequential rules are a prior whose share is tuned.</summary>
    public bool Rules { get; init; }

    /// <summary>Gets whether the model reads vectors.</summary>
    public bool NeedsVectors => ContentAtInput || DenseHead || CodesFromContent;

    /// <summary>Pulls levers.</summary>
    /// <param name="lever">Names or <c>option=number</c>, joined by <c>+</c>.</param>
    /// <exception cref="ArgumentException">There is no such lever.</exception>
    public LeverRun With(string lever) => lever.Split('+').Aggregate(this, Pull) with { Lever = lever };

    public SftOptions Options() => new()
    {
        Epochs = Epochs, Seed = Seed, Dropout = Dropout, LabelSmoothing = LabelSmoothing, AverageDecay = AverageDecay,
            LearningRate = LearningRate,
        WeightDecay = WeightDecay, BatchSize = BatchSize, Precision = Precision,
    };

    public IAlignmentTask[] Tasks()
    {
        var next = new NextItemTask { Mode = Mode, TeacherShare = TeacherShare, TeacherBranches = TeacherBranches,
            WindowShare = WindowShare, MaxHistory = RecipePreset.MaxHistory, MaxItems = RecipePreset.MaxHistory };
        return Titles ? [next, new TitleToSidTask(), new SidToTitleTask()] : [next];
    }

    private static LeverRun Pull(LeverRun run, string lever)
    {
        string[] parts = lever.Split('=');
        return Changes.TryGetValue(lever, out var change) ? change(run)
            : parts.Length == 2 && Numbers.TryGetValue(parts[0], out var set)
                && double.TryParse(parts[1], CultureInfo.InvariantCulture, out double value) ? set(run, value)
            : throw new ArgumentException(
                $"There is no lever '{lever}'; there are {string.Join(", ", Changes.Keys)}, "
                + $"and {string.Join(", ", Numbers.Keys)} with a number.");
    }
}
