using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Experiments;

/// <summary>Gives the small decoder its items' vectors, as a lever says.</summary>
internal static class ContentLever
{
    public static async Task AttachAsync(
        DecoderModel model, LeverRun run, SplitDataset data, SemanticIdIndex index, IPromptTemplate template, string vectors,
        IReadOnlyDictionary<string, double> popularity, CancellationToken cancellationToken)
    {
        if (vectors.Length == 0)
        {
            throw new ArgumentException(
                $"The lever '{run.Lever}' needs --embeddings FILE.npy; '{{set}}' in it stands for the data set's name.");
        }

        var table = await EmbeddingTable.LoadAsync(vectors, expectedCount: data.Items.Count, cancellationToken: cancellationToken);
        var content = new ItemContent(data.ItemIds, table.Width, table.Values.Span);
        if (run.CodesFromContent)
        {
            new ContentRows(content, index).Write(model, template.Vocabulary, run.Seed);
        }

        if (run.ContentAtInput || run.DenseHead)
        {
            model.Attach(new ContentModule(
                content, index, template, model.Config.HiddenSize,
                new ContentOptions { AtInput = run.ContentAtInput, DenseHead = run.DenseHead }, popularity));
        }
    }
}
