using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;

namespace Quickstart;

/// <summary>Options that suit a catalogue of a few hundred items and a minute on two cores; a few steps only for the brief form.</summary>
internal static class Sizes
{
    public static RqVaeOptions Quantizer(bool brief) => new()
    {
        CodebookSizes = [32, 32, 32],
        LatentWidth = 16,
        HiddenWidths = [64],
        Training = new QuantizerTrainingOptions
        {
            Epochs = brief ? 50 : 300, LearningRate = 1e-3, Schedule = LearningRateSchedule.Constant,
        },
    };

    public static SasRecOptions SasRec(bool brief) => new() { HiddenSize = 32, MaxEpochs = brief ? 2 : 50 };

    public static ModelingOptions Modeling() =>
        new() { HiddenSize = 64, Recommender = new RecommenderOptions { BeamWidth = 20, ExcludeHistory = true } };

    // An item that nobody bought yet counts as one that was bought ten times.
    public static ContentOptions Content() => new() { AtInput = false, NewItemCount = 10 };

    // The texts of an invented shop are regular, so that the dense head's maps may learn as fast as the model.
    public static SftOptions Sft(bool brief) => new()
    {
        Epochs = brief ? 2 : 25,
        ValidationExamples = 300,
        Validations = 5,
        Content = new ContentTrainingOptions { MapRate = 1 },
    };

    public static GrpoOptions Grpo(bool brief) => new()
    {
        Steps = brief ? 2 : 120,
        PromptsPerStep = 32,
        LearningRate = 1e-4,
        Guards = new GuardOptions { ValidateEverySteps = 30, ValidationExamples = 300 },
    };
}
