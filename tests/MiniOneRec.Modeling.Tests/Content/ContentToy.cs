using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

/// <summary>Eight items of two levels, two of them on one semantic ID, with vectors of width 3; item "g" has none.</summary>
internal static class ContentToy
{
    public const int Width = 3;

    public static SemanticIdIndex Index { get; } = new(
        [new("a", new(0, 0)), new("b", new(0, 1)), new("c", new(1, 0)), new("d", new(1, 0)), new("e", new(2, 3)), new("f", new(3, 3)),
        new("g", new(3, 0)), new("h", new(2, 0))],
        [4, 4]);

    public static IReadOnlyDictionary<string, double> Counts { get; } = new Dictionary<string, double> { ["a"] = 8, ["b"] = 3, ["e"] = 1 };

    public static ItemContent Content(int seed = 3)
    {
        var random = new Random(seed);
        return new ItemContent(Index.Items, Width, [.. Enumerable.Range(0, Index.Count * Width)
            .Select(_ => (float)random.NextDouble() - 0.3f)], [.. Index.Items.Select(item => item != "g")]);
    }

    public static ContentModule Module(ContentOptions? options = null, IPromptTemplate? template = null) =>
        new(Content(), Index, template ?? CompactTemplate.For(Index), 16, options, Counts);

    public static DecoderModel Model(IPromptTemplate? template = null)
    {
        random.manual_seed(5);
        return new DecoderModel(DecoderConfig.Small((template ?? CompactTemplate.For(Index)).VocabularySize, 16, 2, 2));
    }

    public static GenerativeRecommender Recommender(ContentOptions? options = null, double deviation = 0.3)
    {
        var model = Model();
        model.Attach(Shaken(Module(options), deviation));
        model.eval();
        return new GenerativeRecommender(model, Index, CompactTemplate.For(Index));
    }

    /// <summary>Moves every weight away from its start.</summary>
    public static ContentModule Shaken(ContentModule module, double deviation = 0.3)
    {
        random.manual_seed(9);
        using var noGrad = no_grad();
        foreach (var parameter in module.parameters())
        {
            using var scope = NewDisposeScope();
            parameter.add_(randn_like(parameter), alpha: Scalars.Of(deviation));
        }

        return module;
    }

    /// <summary>The vectors as the module uses them, by the plain formula.</summary>
    public static double[][] Unit(ItemContent content)
    {
        int count = content.Items.Count;
        double[] mean = new double[content.Width];
        for (int e = 0; e < mean.Length; e++)
        {
            mean[e] = Enumerable.Range(0, count).Where(content.IsKnown).Average(row => (double)content[row][e]);
        }

        return [.. Enumerable.Range(0, count).Select(row =>
        {
            double[] own = [.. mean.Select((value, e) => content.IsKnown(row) ? content[row][e] - value : 0)];
            return Scaled(own);
        })];
    }

    public static double[] Scaled(double[] vector)
    {
        double length = Math.Sqrt(vector.Sum(value => value * value));
        return [.. vector.Select(value => length == 0 ? 0 : value / length)];
    }

    /// <summary>The vectors of an item as a history sees it: the mean of what shares its semantic ID.</summary>
    public static double[] Leaf(double[][] unit, string item)
    {
        var rows = Index.RowsOf(Index[item]);
        return Scaled([.. Enumerable.Range(0, Width).Select(e => rows.Sum(row => unit[row][e]))]);
    }
}
