using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;

namespace AmazonReviews;

/// <summary>Sizes and budgets that go together.</summary>
internal sealed record Preset
{
    private static readonly Dictionary<string, Preset> All = new(StringComparer.Ordinal)
    {
        // Minutes on two cores.
        ["default"] = new Preset(),

        // Half the width: fastest way to a figure that means something.
        ["small"] = new Preset { HiddenSize = 128, LearningRate = 2e-3 },

        // Seconds: shows that everything runs, and nothing else.
        ["smoke"] = new Preset { HiddenSize = 32, SftEpochs = 1, GrpoSteps = 4, SasRecEpochs = 1, BeamWidth = 20 },
    };

    public static IReadOnlyCollection<string> Names => All.Keys;

    public int HiddenSize { get; init; } = 256;

    public int Layers { get; init; } = 2;

    public int Heads { get; init; } = 4;

    public int BeamWidth { get; init; } = 50;

    public int SftEpochs { get; init; } = 30;

    public double LearningRate { get; init; } = 1.5e-3;

    public int GrpoSteps { get; init; } = 200;

    public int SasRecEpochs { get; init; } = 100;

    public static Preset Named(string name) => All[name];

    public ModelingOptions Modeling() => new()
    {
        HiddenSize = HiddenSize,
        Layers = Layers,
        Heads = Heads,
        Recommender = new RecommenderOptions { BeamWidth = BeamWidth },
    };

    public SftOptions Sft(int seed) => new() { Epochs = SftEpochs, LearningRate = LearningRate, Seed = seed };

    public GrpoOptions Grpo(int seed) => new() { Steps = GrpoSteps, Seed = seed };

    public SasRecOptions SasRec() => new() { MaxEpochs = SasRecEpochs };
}
