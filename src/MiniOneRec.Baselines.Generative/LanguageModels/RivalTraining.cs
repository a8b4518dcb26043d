using MiniOneRec.Alignment;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Training settings that the papers of language-model rivals share.</summary>
internal static class RivalTraining
{
    /// <summary>Makes the settings of supervised training: 3 epochs, batches of 128, 0.0003 after 20 steps.</summary>
    public static SftOptions Sft() => new()
    {
        Epochs = 3, BatchSize = 128, LearningRate = 3e-4, WarmupSteps = 20, WeightDecay = 0.01, LabelSmoothing = 0, Dropout = 0,
        AverageDecay = 0,
    };
}
