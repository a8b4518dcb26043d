using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;

namespace AmazonReviews;

/// <summary>Sizes and budgets that go together.</summary>
internal sealed record Preset
{
    /// <summary>The most items of a history, in training, in the rows that are held out here, and in serving: a model asked for less than it learned from loses.</summary>
    public const int MaxHistory = 50;

    private static readonly Dictionary<string, Preset> All = new(StringComparer.Ordinal)
    {
        // Minutes on two cores.
        ["default"] = new Preset(),

        // Twice the width, more than three times the time.
        ["wide"] = new Preset { HiddenSize = 256, LearningRate = 1.5e-3 },

        // Short histories over a large catalogue: a wider decoder that learns what followed in other users' sequences, every code of it. An hour of one core.
        ["sparse"] = new Preset
        {
            HiddenSize = 512, Heads = 8, LearningRate = 1.5e-3, SftEpochs = 12, BatchSize = 32, Precision = TrainingPrecision.BFloat16, Dropout = 0.1, LabelSmoothing = 0,
            TeacherShare = 1, TeacherBranches = 1,
        },

        // A few minutes of one core on a large catalogue: for comparing two ways of doing something.
        ["quick"] = new Preset { HiddenSize = 64, Heads = 2, SftEpochs = 4, LearningRate = 3e-3, Dropout = 0.1, TeacherShare = 0, BeamWidth = 20 },

        // Seconds: shows that everything runs, and nothing else.
        ["smoke"] = new Preset { HiddenSize = 32, SftEpochs = 1, GrpoSteps = 4, SasRecEpochs = 1, BeamWidth = 20 },
    };

    public static IReadOnlyCollection<string> Names => All.Keys;

    public int HiddenSize { get; init; } = 128;

    public int Layers { get; init; } = 2;

    public int Heads { get; init; } = 4;

    public int BeamWidth { get; init; } = 50;

    public int SftEpochs { get; init; } = 30;

    public double LearningRate { get; init; } = 2e-3;

    public int BatchSize { get; init; } = 64;

    public TrainingPrecision Precision { get; init; } = TrainingPrecision.Full;

    public double Dropout { get; init; } = 0.2;

    public double LabelSmoothing { get; init; } = 0.1;

    public double TeacherShare { get; init; } = 0.4;

    public int TeacherBranches { get; init; }

    public int GrpoSteps { get; init; } = 200;

    public double GrpoLearningRate { get; init; } = 1e-4;

    public int SasRecEpochs { get; init; } = 100;

    public static Preset Named(string name) => All[name];

    /// <summary>Whether no training sequence repeats an item: one repetition anywhere, and answers may hold items of the history.</summary>
    public static bool NobodyComesBack(IEnumerable<UserSequence> sequences) =>
        sequences.All(sequence => sequence.ItemIds.Distinct(StringComparer.Ordinal).Count() == sequence.ItemIds.Count);

    /// <param name="excludeHistory">Whether nobody comes back to an item, so that answers leave out what the history holds.</param>
    public ModelingOptions Modeling(bool excludeHistory = false) => new()
    {
        HiddenSize = HiddenSize,
        Layers = Layers,
        Heads = Heads,
        Recommender = new RecommenderOptions { BeamWidth = BeamWidth, MaxHistoryItems = MaxHistory, ExcludeHistory = excludeHistory },
    };

    public SftOptions Sft(int seed) => new()
    {
        Epochs = SftEpochs, LearningRate = LearningRate, BatchSize = BatchSize, Precision = Precision, Dropout = Dropout, LabelSmoothing = LabelSmoothing, Seed = seed,
    };

    public IAlignmentTask[] Tasks() => [new NextItemTask { TeacherShare = TeacherShare, TeacherBranches = TeacherBranches, MaxItems = MaxHistory }];

    // All validation rows: what a part of them favours is mostly noise at this size.
    public GrpoOptions Grpo(int seed) => new()
    {
        Steps = GrpoSteps,
        LearningRate = GrpoLearningRate,
        Seed = seed,
        Guards = new GuardOptions { ValidateEverySteps = 40, ValidationExamples = 0 },
    };

    // What the rules think of each completion, relative to its group: every group carries a signal, where exact hits are in a quarter to half of them.
    public IRewardFunction[] Rewards(IItemScorer rules) => [new CollaborativeReward(rules)];

    public SasRecOptions SasRec() => new() { MaxEpochs = SasRecEpochs };
}
