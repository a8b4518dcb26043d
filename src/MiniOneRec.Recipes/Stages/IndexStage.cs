using System.Globalization;
using System.Numerics;
using MiniOneRec.Datasets;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Recipes;

/// <summary>Takes the semantic IDs that came with the data, or learns them from the items' vectors.</summary>
internal sealed class IndexStage(RecipeOptions options, StageRunner stages, VectorStage vectors, RecipeJournal journal)
{
    public async Task<SemanticIdIndex> RunAsync(SplitDataset data, CancellationToken cancellationToken)
    {
        const string Stage = "index";
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
        using var quantizer = options.Quantizer is null
            ? new RqVaeQuantizer(Sizes(data.Items.Count), shared)
            : await RqVaeQuantizer.LoadAsync(options.Quantizer, shared, cancellationToken: cancellationToken).ConfigureAwait(false);
        var tokenizer = new SemanticIdTokenizer(quantizer);

        var embeddings = await vectors.ForIndexAsync(data, cancellationToken).ConfigureAwait(false);
        var catalogue = options.Quantizer is null
            ? await stages.RunAsync("quantizer", progress => tokenizer.BuildAsync(data.ItemIds, embeddings, progress, cancellationToken))
                .ConfigureAwait(false)
            : await tokenizer.AssignAsync(data.ItemIds, embeddings, cancellationToken).ConfigureAwait(false);
        var index = catalogue.Index;
        if (catalogue.UnknownTexts.Count > 0)
        {
            stages.Say(string.Create(CultureInfo.InvariantCulture,
                $"{catalogue.UnknownTexts.Count:N0} items have no known term in their text; they share one neighbourhood."));
        }

        await quantizer.SaveAsync(Path.Combine(options.Output, "quantizer"), cancellationToken).ConfigureAwait(false);

        await catalogue.SaveAsync(Path.Combine(options.Output, "index", "catalogue"), overwrite: true, cancellationToken)
            .ConfigureAwait(false);

        await index.SaveAsync(path, cancellationToken).ConfigureAwait(false);
        await journal.FinishAsync(Stage, cancellationToken).ConfigureAwait(false);
        stages.Say(string.Create(CultureInfo.InvariantCulture,
            $"Index: {index.DistinctCount:N0} distinct semantic IDs for {index.Count:N0} items, saved as {path}."));
        return index;
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
