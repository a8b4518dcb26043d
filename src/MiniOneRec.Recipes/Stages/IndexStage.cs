using System.Globalization;
using System.Numerics;
using System.Text.Json.Nodes;
using MiniOneRec.Datasets;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Recipes;

/// <summary>Takes the semantic IDs that came with the data, or learns them from the items' vectors.</summary>
internal sealed class IndexStage(
    RecipeOptions options, StageRunner stages, VectorStage vectors, RecipeJournal journal, RecipeClock clock)
{
    private const string Stage = "index";

    /// <summary>Returns whether a run trains a quantizer.</summary>
    public static bool Learns(RecipeOptions options, SplitDataset data) =>
        options.Quantizer is null && (data.Index is null || options.Retokenize);

    public async Task<SemanticIdIndex> RunAsync(SplitDataset data, CancellationToken cancellationToken)
    {
        string path = Recipe.IndexPath(options.Output, data.Name);
        if (journal.Has(Stage))
        {
            return await SemanticIdIndex.LoadAsync(path, requireUniformDepth: true, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }

        bool learn = options.Retokenize || options.Quantizer is not null;
        if (data.Index is not null && !learn)
        {
            await data.Index.SaveAsync(path, cancellationToken).ConfigureAwait(false);
            stages.Say(string.Create(CultureInfo.InvariantCulture,
                $"Index as given: {data.Index.Depth} levels, {data.Index.DistinctCount:N0} distinct semantic IDs."));
            return data.Index;
        }

        var shared = new MiniOneRecOptions { Device = options.Device, Seed = options.Seed };
        var settings = Settings(data.Items.Count);
        using IQuantizer quantizer = options.Quantizer is null
            ? new RqVaeQuantizer(settings, shared)
            : await QuantizerFolder.LoadAsync(options.Quantizer, shared, cancellationToken).ConfigureAwait(false);
        using var clusters = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = settings.CodebookSizes, Balanced = true }, shared);
        var used = quantizer;
        var tokenizer = new SemanticIdTokenizer(quantizer);

        var embeddings = await vectors.ForIndexAsync(data, cancellationToken).ConfigureAwait(false);
        var catalogue = options.Quantizer is null
            ? await stages.RunAsync(RecipeClock.Quantizer, async progress =>
            {
                var result = await quantizer.FitAsync(embeddings, progress, cancellationToken).ConfigureAwait(false);
                Report(result, settings.Training, data.Items.Count);
                try
                {
                    return await tokenizer.AssignAsync(data.ItemIds, embeddings, cancellationToken).ConfigureAwait(false);
                }
                catch (CrowdedPrefixException e)
                {
                    // Vectors that are alike, or a quantizer that hardly learned, crowd more items under a prefix than there are codes.
                    stages.Say($"The quantizer does not tell the items apart: {e.Message} Balanced clusters take its place.");
                    used = clusters;
                    return await new SemanticIdTokenizer(clusters)
                        .BuildAsync(data.ItemIds, VectorStage.Apart(embeddings, options.Seed), progress, cancellationToken)
                        .ConfigureAwait(false);
                }
            }, continues: true).ConfigureAwait(false)
            : await tokenizer.AssignAsync(data.ItemIds, embeddings, cancellationToken).ConfigureAwait(false);
        var index = catalogue.Index;
        if (catalogue.UnknownTexts.Count > 0)
        {
            stages.Say(string.Create(CultureInfo.InvariantCulture,
                $"{catalogue.UnknownTexts.Count:N0} items have no known term in their text; they share one neighbourhood."));
        }

        await used.SaveAsync(Path.Combine(options.Output, "quantizer"), cancellationToken).ConfigureAwait(false);

        await catalogue.SaveAsync(Path.Combine(options.Output, "index", "catalogue"), overwrite: true, cancellationToken)
            .ConfigureAwait(false);

        await index.SaveAsync(path, cancellationToken).ConfigureAwait(false);
        await journal.FinishAsync(Stage, cancellationToken).ConfigureAwait(false);
        stages.Say(string.Create(CultureInfo.InvariantCulture,
            $"Index: {index.DistinctCount:N0} distinct semantic IDs for {index.Count:N0} items, saved as {path}."));
        return index;
    }

    // A quantizer that its share of the time cut short is as good as its weights; the report says so.
    private void Report(TrainingResult result, QuantizerTrainingOptions training, int items)
    {
        int batch = Math.Min(training.BatchSize, items), batches = (items + batch - 1) / batch;
        double passes = Math.Round((double)result.BestStep / batches, 2);
        journal.Details[RecipeClock.Quantizer] = new JsonObject
        {
            ["passes"] = passes, ["plannedPasses"] = training.Epochs, ["unexplained"] = result.BestValidation,
            ["stopReason"] = result.StopReason,
        };
        if (passes < training.Epochs)
        {
            stages.Say(string.Create(CultureInfo.InvariantCulture,
                $"The quantizer's share of the time is over after {passes} of {training.Epochs} passes over the items; semantic IDs are of "
                + $"its weights as they stand."));
        }
    }

    private RqVaeOptions Settings(int items)
    {
        var settings = Sizes(items);
        settings.Training.Checkpoints = journal.CheckpointsOf(Stage);
        settings.Training.MaxDuration = clock.ForIndex(options.Preset.Automatic ? AutoPreset.DefaultBudget : null);
        return settings;
    }

    // A level of 256 codes needs as many items; a smaller catalogue gets levels of a quarter to half of its items.
    private static RqVaeOptions Sizes(int items)
    {
        var options = new RqVaeOptions();
        int largest = options.CodebookSizes.Max();
        if (items < largest)
        {
            int size = Math.Max(2, (int)BitOperations.RoundUpToPowerOf2((uint)items) / 4);
            options.CodebookSizes = [.. options.CodebookSizes.Select(_ => size)];
        }

        return options;
    }
}
