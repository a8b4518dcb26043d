using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Baselines.Generative;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;

namespace MiniOneRec.Recipes;

/// <summary>The rivals by name, in the order of reports.</summary>
internal static class RivalRegistry
{
    /// <summary>Gets what can be trained besides the counted baselines of <see cref="BaselineStage"/>.</summary>
    public static IReadOnlyList<Rival> All { get; } =
    [
        new("gru4rec", false, context => SequentialAsync<Gru4RecOptions, Gru4RecRecommender>(
            context, new Gru4RecOptions { MaxEpochs = context.Preset.SasRecEpochs },
            options => new Gru4RecTrainer(options, context.Shared))),
        new("caser", false, context => SequentialAsync<CaserOptions, CaserRecommender>(
            context, new CaserOptions { MaxEpochs = context.Preset.SasRecEpochs }, options => new CaserTrainer(options, context.Shared))),
        new("sasrec", false, context => SequentialAsync<SasRecOptions, SasRecRecommender>(
            context, context.Preset.SasRec(), options => new SasRecTrainer(options, context.Shared))),
        new("hstu", false, context => SequentialAsync<HstuOptions, HstuRecommender>(
            context, new HstuOptions { MaxEpochs = context.Preset.SasRecEpochs }, options => new HstuTrainer(options, context.Shared))),
        new("tiger", false, TigerAsync),
        new(LcRecTrainer.Name, true, LcRecAsync),
        new("bigrec", true, BigRecAsync),
        new("d3", true, D3Async),
        new(SdpoTrainer.Name, false, SdpoAsync),
    ];

    /// <summary>Finds a rival.</summary>
    /// <param name="name">The name.</param>
    public static Rival? Find(string name) => All.FirstOrDefault(rival => rival.Name == name);

    /// <summary>Checks before any work that the data have what rivals need.</summary>
    /// <param name="names">The names; those of other baselines are skipped.</param>
    /// <param name="data">The data.</param>
    /// <exception cref="ArgumentException">A rival needs titles and no item has one; the message names both.</exception>
    public static void Require(IEnumerable<string> names, SplitDataset data)
    {
        string[] lacking = [.. names.Where(name => Find(name)?.NeedsTitles == true)];
        if (lacking.Length > 0 && data.Items.All(item => item.Title.Length == 0))
        {
            throw new ArgumentException(
                $"The baselines {string.Join(", ", lacking)} need titles, and no item of '{data.Name}' has one; "
                + "give item texts or leave these baselines out.",
                nameof(data));
        }
    }

    private static async Task<TrainedRival> SequentialAsync<TOptions, TRecommender>(
        RivalContext context, TOptions options, Func<TOptions, SequentialTrainer<TOptions, TRecommender>> trainer)
        where TOptions : SequentialModelOptions
        where TRecommender : SequentialRecommender
    {
        (options.Loss, options.MaxDuration) = (context.Loss ?? options.Loss, context.Budget);
        var recommender = await trainer(options)
            .TrainAsync(
                context.Data.TrainSequences, context.Data.Validation, context.Index.Items, context.Progress, context.CancellationToken)
            .ConfigureAwait(false);
        return new TrainedRival(recommender, recommender.ParameterCount, recommender.Training);
    }

    private static async Task<TrainedRival> TigerAsync(RivalContext context)
    {
        var preset = context.Preset;
        var options = new TigerOptions
        {
            HiddenSize = preset.HiddenSize, Heads = preset.Heads, HeadSize = Math.Max(8, preset.HiddenSize / preset.Heads),
            FeedForwardSize = 4 * preset.HiddenSize, Layers = preset.Layers, LearningRate = preset.LearningRate / 2,
            MaxEpochs = preset.SftEpochs, BeamWidth = preset.BeamWidth, MaxDuration = context.Budget,
        };
        var recommender = await new TigerTrainer(options, context.Shared)
            .TrainAsync(context.Index, context.Data.TrainSequences, context.Data.Validation, context.Progress, context.CancellationToken)
            .ConfigureAwait(false);
        return new TrainedRival(recommender, recommender.ParameterCount, recommender.Training);
    }

    private static async Task<TrainedRival> LcRecAsync(RivalContext context)
    {
        var options = new LcRecOptions
        {
            Model = Model(context), Sft = Writing(context), Recommender = Serving(context), AlignTitles = context.AlignTitles,
        };
        var recommender = await new LcRecTrainer(options, context.Shared).TrainAsync(
            context.Index, context.Data.Items, context.Data.TrainSequences, context.Data.Validation, null, context.Progress,
            context.CancellationToken).ConfigureAwait(false);
        return Generative(recommender);
    }

    private static async Task<TrainedRival> BigRecAsync(RivalContext context)
    {
        var options = new BigRecOptions { Model = Model(context), Sft = Writing(context) };
        var recommender = await new BigRecTrainer(options, context.Shared).TrainAsync(
            context.Data.Items, context.Data.TrainSequences, context.Data.Validation, context.Progress, context.CancellationToken)
            .ConfigureAwait(false);
        return new TrainedRival(recommender, recommender.ParameterCount, recommender.Training);
    }

    private static async Task<TrainedRival> D3Async(RivalContext context)
    {
        var settings = context.Preset.SasRec();
        settings.MaxDuration = context.Budget;
        var sasRec = await new SasRecTrainer(settings, context.Shared).TrainAsync(
            context.Data.TrainSequences, context.Data.Validation, context.Index.Items, context.Progress, context.CancellationToken)
            .ConfigureAwait(false);
        var options = new D3Options { Model = Model(context), Sft = Writing(context) };
        try
        {
            var recommender = await new D3Trainer(options, context.Shared).TrainAsync(
                context.Data.Items, context.Data.TrainSequences, sasRec, context.Progress, context.CancellationToken).ConfigureAwait(false);
            return new TrainedRival(recommender, recommender.ParameterCount + sasRec.ParameterCount, recommender.Training)
            {
                Assistant = sasRec,
            };
        }
        catch
        {
            sasRec.Dispose();
            throw;
        }
    }

    private static async Task<TrainedRival> SdpoAsync(RivalContext context)
    {
        var options = new SdpoOptions { Model = Model(context), Sft = Sft(context), Recommender = Serving(context) };
        options.Preference = new PreferenceOptions
        {
            Steps = Math.Max(1, context.Preset.GrpoSteps),
            LearningRate = context.LanguageModel is null ? context.Preset.GrpoLearningRate : 1e-5,
        };
        var recommender = await new SdpoTrainer(options, context.Shared).TrainAsync(
            context.Index, context.Data.Items, context.Data.TrainSequences, context.Data.Validation, context.Progress,
            context.CancellationToken).ConfigureAwait(false);
        return Generative(recommender);
    }

    private static TrainedRival Generative(GenerativeRecommender recommender) =>
        new(recommender, recommender.Model.parameters().Sum(parameter => parameter.numel()));

    private static LanguageModelOptions Model(RivalContext context) => new()
    {
        PretrainedPath = context.LanguageModel, HiddenSize = context.Preset.HiddenSize, Layers = context.Preset.Layers,
        Heads = context.Preset.Heads,
    };

    // A pretrained model is adapted; one with fresh weights learns as ours does.
    private static SftOptions Sft(RivalContext context) => context.LanguageModel is null
        ? new SftOptions
        {
            Epochs = context.Preset.SftEpochs, LearningRate = context.Preset.LearningRate, BatchSize = context.Preset.BatchSize,
            Dropout = context.Preset.Dropout, LabelSmoothing = 0, MaxDuration = context.Budget,
        }
        : new SftOptions
        {
            Epochs = 3, LearningRate = 3e-4, BatchSize = 128, WarmupSteps = 20, WeightDecay = 0.01, Dropout = 0, LabelSmoothing = 0,
            AverageDecay = 0, MaxDuration = context.Budget, Lora = new LoraOptions(),
        };

    // With fresh weights and prompts of words a small decoder may stay at 0.003 with what is likely without a history; at 0.001 it reads
    // the history within some hundred steps.
    private static SftOptions Writing(RivalContext context)
    {
        var options = Sft(context);
        options.LearningRate = context.LanguageModel is null ? options.LearningRate / 2 : options.LearningRate;
        return options;
    }

    private static RecommenderOptions Serving(RivalContext context) =>
        new() { BeamWidth = context.Preset.BeamWidth, MaxHistoryItems = 10 };
}
