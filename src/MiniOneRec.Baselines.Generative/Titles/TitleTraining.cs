using Microsoft.Extensions.Logging;
using MiniOneRec.Alignment;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Makes and trains the language model of a rival that writes titles.</summary>
internal static class TitleTraining
{
    /// <summary>Makes the model to train.</summary>
    public static async Task<TitleModel> CreateAsync(
        TitleRivalOptions options, MiniOneRecOptions shared, IReadOnlyList<Item> items, IReadOnlyList<UserSequence> train, ILogger? logger,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(train);
        var catalogue = new TitleCatalogue(items, RivalModels.Count(train));
        var (model, tokenizer) = await RivalModels.TextAsync(
            options.Model, shared, catalogue.Titles, options.Category, logger, cancellationToken).ConfigureAwait(false);
        return new TitleModel(model, tokenizer, catalogue, options.Category, options.MaxHistoryItems, options.MaxTitleTokens);
    }

    /// <summary>Trains it on next titles.</summary>
    public static Task<TrainingResult> TrainAsync(
        TitleModel model, TitleRivalOptions options, MiniOneRecOptions shared, IReadOnlyList<UserSequence> train,
        IProgress<TrainingProgress>? progress, CancellationToken cancellationToken)
    {
        // The trainer wants an index; titles do not read it.
        var index = new SemanticIdIndex(model.Catalogue.Items.Select((item, row) => KeyValuePair.Create(item, new SemanticId(row))));
        var trainer = new SftTrainer([model.Task], RivalModels.ForTitles(options.Sft, shared.Seed));
        return trainer.TrainAsync(
            model.Model, model.Template, new AlignmentData(index, train), validation: null, progress, cancellationToken);
    }
}
