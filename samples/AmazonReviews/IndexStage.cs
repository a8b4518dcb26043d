using MiniOneRec;
using MiniOneRec.Datasets;
using MiniOneRec.Tokenization;
using Spectre.Console;

namespace AmazonReviews;

/// <summary>Takes the semantic IDs that came with the data, or learns them from the items' text.</summary>
internal sealed class IndexStage(Settings settings, Stages stages)
{
    public async Task<SemanticIdIndex> RunAsync(SplitDataset data, CancellationToken cancellationToken)
    {
        bool learn = settings.Retokenize || settings.Embeddings is not null || settings.Quantizer is not null;
        if (data.Index is not null && !learn)
        {
            AnsiConsole.WriteLine($"Index as given: {data.Index.Depth} levels, {data.Index.DistinctCount:N0} distinct semantic IDs.");
            return data.Index;
        }

        var shared = new MiniOneRecOptions { Device = settings.Device, Seed = settings.Seed };
        using var encoder = new TfIdfEncoder(shared: shared);
        using var quantizer = settings.Quantizer is null
            ? new RqVaeQuantizer(shared: shared)
            : await RqVaeQuantizer.LoadAsync(settings.Quantizer, shared, cancellationToken: cancellationToken);
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer);

        var embeddings = await stages.RunAsync("embeddings", progress => EmbedAsync(tokenizer, data, progress, cancellationToken));
        var catalogue = settings.Quantizer is null
            ? await stages.RunAsync("quantizer", progress => tokenizer.BuildAsync(data.ItemIds, embeddings, progress, cancellationToken))
            : await tokenizer.AssignAsync(data.ItemIds, embeddings, cancellationToken);
        var index = catalogue.Index;
        if (catalogue.UnknownTexts.Count > 0)
        {
            AnsiConsole.WriteLine($"Nothing is known about the text of {catalogue.UnknownTexts.Count:N0} items; they share one neighbourhood.");
        }

        await quantizer.SaveAsync(Path.Combine(settings.Output, "quantizer"), cancellationToken);

        string path = Path.Combine(settings.Output, $"{data.Name}.index.json");
        await index.SaveAsync(path, cancellationToken);
        AnsiConsole.WriteLine($"Index: {index.DistinctCount:N0} distinct semantic IDs for {index.Count:N0} items, saved as {path}.");
        return index;
    }

    private async Task<EmbeddingTable> EmbedAsync(
        SemanticIdTokenizer tokenizer, SplitDataset data, IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        if (settings.Embeddings is not null)
        {
            return await EmbeddingTable.LoadAsync(settings.Embeddings, expectedCount: data.Items.Count, cancellationToken: cancellationToken);
        }

        if (data.Items.All(item => item.Title.Length == 0))
        {
            throw new InvalidDataException($"The items of '{data.Name}' have no text to learn semantic IDs from; give --index, --items or --embeddings.");
        }

        var embeddings = await tokenizer.EncodeTextAsync(data.Items, progress, cancellationToken);
        await embeddings.SaveAsync(Path.Combine(settings.Output, "embeddings.npy"), cancellationToken);
        return embeddings;
    }
}
