using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;

namespace MiniOneRec.Recipes;

/// <summary>Sizes and budgets of a recipe that go together.</summary>
/// <remarks>Take a preset by name and change single values with a <see langword="with"/> expression.</remarks>
public sealed record RecipePreset
{
    /// <summary>The longest history in training, in the rows that are held out, and in serving: a model that is asked with shorter
    /// histories than it learned from loses quality.</summary>
    public const int MaxHistory = 50;

    private static readonly Dictionary<string, RecipePreset> All = new(StringComparer.Ordinal)
    {
        // Chosen by the data and the budget.
        ["auto"] = new RecipePreset { Automatic = true },

        // Minutes on two cores.
        ["default"] = new RecipePreset(),

        // Twice the width, more than three times the time.
        ["wide"] = new RecipePreset { HiddenSize = 256, LearningRate = 1.5e-3 },

        // Short histories over a large catalogue: a wider decoder with soft labels from other users' sequences at every code. An hour of
        // one core.
        ["sparse"] = new RecipePreset
        {
            HiddenSize = 512, Heads = 8, LearningRate = 1.5e-3, SftEpochs = 12, BatchSize = 32, Precision = TrainingPrecision.BFloat16,
                Dropout = 0.1, LabelSmoothing = 0,
            TeacherShare = 1, TeacherBranches = 1,
        },

        // A few minutes of one core on a large catalogue: for comparing two ways of doing something.
        ["quick"] = new RecipePreset { HiddenSize = 64, Heads = 2, SftEpochs = 4, LearningRate = 3e-3, Dropout = 0.1, TeacherShare = 0,
            BeamWidth = 20 },

        // Seconds: shows that everything runs, and nothing else.
        ["smoke"] = new RecipePreset { HiddenSize = 32, SftEpochs = 1, GrpoSteps = 4, SasRecEpochs = 1, BeamWidth = 20 },
    };

    /// <summary>Gets the names of the presets.</summary>
    public static IReadOnlyCollection<string> Names => All.Keys;

    /// <summary>Gets the name under which reports list the preset.</summary>
    /// <value>The default is the name it was taken by, or <c>default</c>.</value>
    public string Name { get; init; } = "default";

    /// <summary>Gets whether a recipe chooses the sizes by its data and its budget, see <see cref="For"/>. Values that differ from those of
    /// <c>default</c> stay.</summary>
    /// <value>The default is <see langword="false"/>, but for the preset <c>auto</c>.</value>
    public bool Automatic { get; init; }

    /// <summary>Gets the decoder's width.</summary>
    /// <value>The default is 128.</value>
    public int HiddenSize { get; init; } = 128;

    /// <summary>Gets the decoder's layers.</summary>
    /// <value>The default is 2.</value>
    public int Layers { get; init; } = 2;

    /// <summary>Gets the decoder's attention heads.</summary>
    /// <value>The default is 4.</value>
    public int Heads { get; init; } = 4;

    /// <summary>Gets the beams per request in validation, evaluation and serving.</summary>
    /// <value>The default is 50.</value>
    public int BeamWidth { get; init; } = 50;

    /// <summary>Gets how often supervised training sees the training set.</summary>
    /// <value>The default is 30.</value>
    public int SftEpochs { get; init; } = 30;

    /// <summary>Gets the time after which the steps of supervised training end, or <see langword="null"/> for no limit.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public TimeSpan? SftTime { get; init; }

    /// <summary>Gets the peak learning rate of supervised training.</summary>
    /// <value>The default is 0.002.</value>
    public double LearningRate { get; init; } = 2e-3;

    /// <summary>Gets the sequences per step of supervised training.</summary>
    /// <value>The default is 64.</value>
    public int BatchSize { get; init; } = 64;

    /// <summary>Gets the type in which the decoder computes while it is trained.</summary>
    /// <value>The default is <see cref="TrainingPrecision.Full"/>.</value>
    public TrainingPrecision Precision { get; init; } = TrainingPrecision.Full;

    /// <summary>Gets the dropout of supervised training.</summary>
    /// <value>The default is 0.2.</value>
    public double Dropout { get; init; } = 0.2;

    /// <summary>Gets the label smoothing of supervised training.</summary>
    /// <value>The default is 0.1.</value>
    public double LabelSmoothing { get; init; } = 0.1;

    /// <summary>Gets the share of soft labels that the transitions of other users give.</summary>
    /// <value>The default is 0.4.</value>
    public double TeacherShare { get; init; } = 0.4;

    /// <summary>Gets how many further paths of the tree the soft labels teach.</summary>
    /// <value>The default is 0.</value>
    public int TeacherBranches { get; init; }

    /// <summary>Gets whether a model with item vectors adds them to the embeddings of its history; of no effect without vectors.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool ContentAtInput { get; init; }

    /// <summary>Gets whether a model with item vectors has a dense head; of no effect without vectors.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool DenseHead { get; init; } = true;

    /// <summary>Gets the share, at the start, of single items of the history in the dense head; see
    /// <see cref="ContentOptions.NeighbourShare"/>.</summary>
    /// <value>The default is 0.5.</value>
    public double NeighbourShare { get; init; } = 0.5;

    /// <summary>Gets whether the rows of codes start from the mean vectors of their items; of no effect without vectors.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool CodesFromContent { get; init; }

    /// <summary>Gets the steps of GRPO.</summary>
    /// <value>The default is 200.</value>
    public int GrpoSteps { get; init; } = 200;

    /// <summary>Gets the learning rate of GRPO.</summary>
    /// <value>The default is 0.0001.</value>
    public double GrpoLearningRate { get; init; } = 1e-4;

    /// <summary>Gets the most epochs of the SASRec baseline.</summary>
    /// <value>The default is 100.</value>
    public int SasRecEpochs { get; init; } = 100;

    /// <summary>Gets the preset of a name.</summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">There is no preset of that name.</exception>
    public static RecipePreset Named(string name) => All.TryGetValue(name, out var preset)
        ? preset with { Name = name }
        : throw new ArgumentException($"There is no preset '{name}'; expected one of {string.Join(", ", Names)}.", nameof(name));

    /// <summary>Chooses the sizes of an automatic preset for a data set; other presets are returned as they are.</summary>
    /// <remarks>
    /// The width grows with the number of interactions: 128, from 50,000 on 256, from 150,000 on 512. From there on the settings of
    /// <c>sparse</c> apply, also where the budget makes the decoder narrower. Half of the budget, or of what a quantizer
    /// leaves of it, is for supervised training; what does not fit makes the decoder narrower, then the passes over the data fewer.
    /// </remarks>
    /// <param name="shape">The sizes of the data.</param>
    /// <param name="budget">The time for the whole run, or <see langword="null"/> for an hour.</param>
    /// <param name="processors">The processors that training uses.</param>
    /// <exception cref="ArgumentOutOfRangeException">The budget is not above zero, or there are no processors.</exception>
    public RecipePreset For(DataShape shape, TimeSpan? budget = null, int processors = 1)
    {
        ArgumentNullException.ThrowIfNull(shape);
        ArgumentOutOfRangeException.ThrowIfLessThan(processors, 1);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(budget ?? AutoPreset.DefaultBudget, TimeSpan.Zero, nameof(budget));
        return Automatic ? AutoPreset.Fill(this, shape, budget ?? AutoPreset.DefaultBudget, processors) : this;
    }

    /// <summary>Returns whether no training sequence repeats an item. One repetition anywhere, and answers may hold items of the
    /// history.</summary>
    /// <param name="sequences">The training sequences.</param>
    public static bool NobodyComesBack(IEnumerable<UserSequence> sequences) =>
        sequences.All(sequence => sequence.ItemIds.Distinct(StringComparer.Ordinal).Count() == sequence.ItemIds.Count);

    /// <summary>Makes the options of the decoder and of serving.</summary>
    /// <param name="excludeHistory">Whether answers leave out the items of the history, for catalogues in which users do not come back to
    /// an item.</param>
    public ModelingOptions Modeling(bool excludeHistory = false) => new()
    {
        HiddenSize = HiddenSize,
        Layers = Layers,
        Heads = Heads,
        Recommender = new RecommenderOptions { BeamWidth = BeamWidth, MaxHistoryItems = MaxHistory, ExcludeHistory = excludeHistory },
    };

    /// <summary>Makes the options of what the model does with item vectors, or <see langword="null"/> for nothing.</summary>
    public ContentOptions? Content() => ContentAtInput || DenseHead
        ? new ContentOptions { AtInput = ContentAtInput, DenseHead = DenseHead, NeighbourShare = NeighbourShare } : null;

    /// <summary>Makes the options of supervised training. With item vectors it sees the data two thirds as often and validates twice: the
    /// dense head is learned sooner than the codes, and the best of many validations is the one with the most luck.</summary>
    /// <param name="seed">The seed of the run.</param>
    /// <param name="withVectors">Whether the model reads its items' vectors.</param>
    public SftOptions Sft(int seed, bool withVectors = false) => new()
    {
        Epochs = withVectors ? (2 * SftEpochs + 2) / 3 : SftEpochs, Validations = withVectors ? 2 : 10, LearningRate = LearningRate,
            BatchSize = BatchSize, Precision = Precision, Dropout = Dropout,
            LabelSmoothing = LabelSmoothing, Seed = seed, MaxDuration = SftTime,
    };

    /// <summary>Makes the tasks of supervised training.</summary>
    public IReadOnlyList<IAlignmentTask> Tasks() =>
        [new NextItemTask { TeacherShare = TeacherShare, TeacherBranches = TeacherBranches, MaxItems = MaxHistory }];

    /// <summary>Makes the options of GRPO. Its guard uses all validation rows: what a part of them favours is mostly noise at this
    /// size.</summary>
    /// <param name="seed">The seed of the run.</param>
    public GrpoOptions Grpo(int seed) => new()
    {
        Steps = GrpoSteps,
        LearningRate = GrpoLearningRate,
        Seed = seed,
        Guards = new GuardOptions { ValidateEverySteps = 40, ValidationExamples = 0 },
    };

    /// <summary>Makes the reward of GRPO: the score that the rules give a completion, relative to its group. Every group then carries a
    /// signal.</summary>
    /// <param name="rules">Scores items, for example by sequential rules.</param>
    public static IReadOnlyList<IRewardFunction> Rewards(IItemScorer rules) => [new CollaborativeReward(rules)];

    /// <summary>Makes the options of the SASRec baseline.</summary>
    public SasRecOptions SasRec() => new() { MaxEpochs = SasRecEpochs };
}
