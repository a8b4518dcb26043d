using MiniOneRec.Alignment;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Recipes;

/// <summary>The rules by which the preset <c>auto</c> chooses.</summary>
/// <remarks>
/// <list type="number">
/// <item>Width: 128 below 50,000 interactions, where wider decoders only fit faster; 256 below 150,000; 512 from there on.</item>
/// <item>Passes over the data: 30, 20 and 12 at these widths, two thirds of them with item vectors (<see cref="RecipePreset.Sft"/>).</item>
/// <item>Half of the budget is for supervised training, or half of what a quantizer leaves where the run trains one. While the passes of
/// a width do not fit, the width halves, down to 64, unless the dense head takes more time than the decoder: its time depends on the
/// catalogue and on the vectors, and no narrower decoder shortens it. Training ends when its half of the budget is over, and its learning
/// rate with it, whatever the estimate said.</item>
/// <item>From 150,000 interactions on, at whatever width: bfloat16, batches of 32, little dropout, no smoothing, and soft labels from
/// other users' sequences on every code where sequences are short (fewer than 20 items on average), as <c>sparse</c> has them.</item>
/// <item>Below 200 training sequences GRPO takes 20 steps, since its guard has next to no rows to tell noise from gain.</item>
/// </list>
/// Whether items of the history are left out, how much they lose, and which parts of the model and which baselines have a share of the
/// answer is decided by the data (<see cref="RecipePreset.NobodyComesBack"/>) and the validation rows, for every preset.
/// </remarks>
internal static class AutoPreset
{
    /// <summary>The budget of a run where none is given.</summary>
    public static readonly TimeSpan DefaultBudget = TimeSpan.FromHours(1);

    // Codes that one processor learns a second at width 128: two layers, whole sequences, float32, measured on a shared AMD EPYC (Zen 5)
    // and rounded down. At width 512 in bfloat16 it was a sixth, whence the exponent.
    private const double CodesPerSecond = 10_000;
    private const double WidthExponent = 1.25;

    // The dense head's time for an interaction, in codes at width 128, by items times numbers of a vector: forward and backward over the
    // catalogue as a share of a decoder of 12 width² weights a layer, with the rates that were measured of both.
    private const double HeadRate = 0.36 / (12 * 2 * 128 * 128);

    // Vectors of 384 numbers that a quantizer learns from a second, on one processor of that kind: 3,686 items, 500 passes, 130 s.
    private const double VectorsPerSecond = 14_000;
    private const int LeastWidth = 64;
    private const long Large = 150_000;

    private static readonly RecipePreset Untouched = new();

    /// <summary>Fills what the preset leaves at its defaults.</summary>
    public static RecipePreset Fill(RecipePreset preset, DataShape shape, TimeSpan budget, int processors)
    {
        TimeSpan training = (budget - QuantizerTime(shape, budget, processors)) / 2;
        int width = shape.Interactions < 50_000 ? 128 : shape.Interactions < Large ? 256 : 512;
        while (width > LeastWidth && Seconds(shape, width, processors) > training.TotalSeconds
            && DecoderCodes(shape, width) >= HeadCodes(shape))
        {
            width /= 2;
        }

        bool large = shape.Interactions >= Large, shortSequences = shape.MeanLength < 20;
        var chosen = Untouched with
        {
            HiddenSize = width,
            Heads = Math.Max(2, width / (width >= 512 ? 64 : 32)),
            LearningRate = width >= 256 ? 1.5e-3 : Untouched.LearningRate,
            SftEpochs = EpochsOf(width),
            BatchSize = large ? 32 : Untouched.BatchSize,
            Precision = large ? TrainingPrecision.BFloat16 : TrainingPrecision.Full,
            Dropout = large ? 0.1 : Untouched.Dropout,
            LabelSmoothing = large ? 0 : Untouched.LabelSmoothing,
            TeacherShare = large && shortSequences ? 1 : Untouched.TeacherShare,
            TeacherBranches = large && shortSequences ? 1 : 0,
            GrpoSteps = shape.Users < 200 ? 20 : Untouched.GrpoSteps,
            SftTime = training,
        };
        return preset with
        {
            Automatic = false,
            HiddenSize = Pick(preset, chosen, p => p.HiddenSize),
            Heads = Pick(preset, chosen, p => p.Heads),
            LearningRate = Pick(preset, chosen, p => p.LearningRate),
            SftEpochs = Pick(preset, chosen, p => p.SftEpochs),
            BatchSize = Pick(preset, chosen, p => p.BatchSize),
            Precision = Pick(preset, chosen, p => p.Precision),
            Dropout = Pick(preset, chosen, p => p.Dropout),
            LabelSmoothing = Pick(preset, chosen, p => p.LabelSmoothing),
            TeacherShare = Pick(preset, chosen, p => p.TeacherShare),
            TeacherBranches = Pick(preset, chosen, p => p.TeacherBranches),
            GrpoSteps = Pick(preset, chosen, p => p.GrpoSteps),
            SftTime = Pick(preset, chosen, p => p.SftTime),
        };
    }

    // What its passes take, but never more than its share.
    private static TimeSpan QuantizerTime(DataShape shape, TimeSpan budget, int processors)
    {
        if (!shape.LearnsSemanticIds)
        {
            return TimeSpan.Zero;
        }

        double passes = new QuantizerTrainingOptions().Epochs * (double)shape.Items;
        var needed = TimeSpan.FromSeconds(passes / (VectorsPerSecond * Speed(processors)));
        var share = budget * RecipeClock.IndexShare;
        return needed < share ? needed : share;
    }

    // Further processors help less, and beyond eight hardly.
    private static double Speed(int processors) => 1 + 0.7 * (Math.Min(processors, 8) - 1);

    private static int EpochsOf(int width) => width >= 512 ? 12 : width >= 256 ? 20 : 30;

    // The time of the passes of a width; with vectors the preset asks for two thirds of them.
    private static double Seconds(DataShape shape, int width, int processors)
    {
        double passes = EpochsOf(width) * (shape.HasVectors ? 2 / 3.0 : 1);
        return passes * shape.Interactions * (DecoderCodes(shape, width) + HeadCodes(shape)) / (CodesPerSecond * Speed(processors));
    }

    // Of one interaction, in codes at width 128.
    private static double DecoderCodes(DataShape shape, int width) => shape.Levels * Math.Pow(width / 128.0, WidthExponent);

    private static double HeadCodes(DataShape shape)
    {
        var dense = new ContentTrainingOptions();
        return HeadRate * shape.VectorWidth * (shape.Items > dense.SampleAbove ? dense.SampledItems : shape.Items);
    }

    // What was set by hand stays.
    private static T Pick<T>(RecipePreset preset, RecipePreset chosen, Func<RecipePreset, T> value) =>
        EqualityComparer<T>.Default.Equals(value(preset), value(Untouched)) ? value(chosen) : value(preset);
}
