using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

/// <summary>Vectors of the toy catalogue, and models that read them.</summary>
internal static class ContentCase
{
    public static ContentModule Content(SemanticIdIndex index, IPromptTemplate template, ContentOptions? options = null, int width = 16,
        IReadOnlyDictionary<string, double>? counts = null)
    {
        var random = new Random(6);
        float[] values = [.. Enumerable.Range(0, index.Count * 5).Select(_ => random.NextSingle())];
        return new ContentModule(new ItemContent(index.Items, 5, values), index, template, width, options, counts);
    }

    public static GenerativeRecommender Recommender(ContentOptions? options = null)
    {
        var (recommender, index) = Toy.Recommender(16);
        recommender.Model.Attach(Content(index, recommender.Template, options));
        return recommender;
    }

    public static float[] Weights(GenerativeRecommender recommender) =>
        [.. Toy.Weights(recommender.Model), .. recommender.Model.Content!.parameters().SelectMany(p => p.detach().data<float>().ToArray())];
}
