using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class NeighbourPartTests
{
    private static readonly CompactTemplate Template = CompactTemplate.For(ContentToy.Index);
    private static readonly ContentOptions Options = new() { AtInput = false, NeighbourShare = 0.4, NeighbourScale = 7, HistoryItems = 3 };

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.3)]
    public void Of_MixtureOfTheQueryAndOfEachItem_FollowsTheFormula(double deviation)
    {
        using var scope = NewDisposeScope();
        using var module = ContentToy.Shaken(ContentToy.Module(Options), deviation);
        string[] history = ["a", "c", "e", "b", "e"];               // the last three count, "e" twice
        int[] prompt = Prompt(history);
        random.manual_seed(2);
        var hidden = randn(1, 16);

        double[] found = [.. DenseMasses.Of(module, hidden, [prompt], ContentToy.Index)[0].Select(value => (double)value)];

        using var noGrad = no_grad();
        var rows = HistoryRows.Of([TokenTree.Chain(prompt)], module.Vocabulary, module.Trie);
        double[] query = Softmax([.. module.Logits(module.Queries(hidden, rows, [prompt.Length - 1])).data<float>().ToArray()
            .Select(value => (double)value)]);
        var unit = ContentToy.Unit(module.Content);
        double scale = Values(module, "neighbour_scale")[0], gate = 1 / (1 + Math.Exp(-Values(module, "neighbour_gate")[0]));
        double[] map = Values(module, "neighbour_map"), bias = Values(module, "neighbour_bias");
        double[] shares = Softmax(Values(module, "neighbour_ages"));
        if (deviation == 0)
        {
            Assert.Equal(0.4, gate, 1e-6);
            Assert.Equal(Math.Exp(-1), shares[1] / shares[0], 1e-6);
        }

        for (int i = 0; i < found.Length; i++)
        {
            double expected = (1 - gate) * query[i];
            foreach (var (age, item) in ((string[])["e", "b", "e"]).Index())
            {
                double[] own = ContentToy.Leaf(unit, item);
                double[] logits = [.. unit.Select((vector, j) => bias[j] + scale * Enumerable.Range(0, ContentToy.Width)
                    .Sum(e => vector[e] * Enumerable.Range(0, ContentToy.Width).Sum(f => map[e * ContentToy.Width + f] * own[f])))];
                expected += gate * shares[age] * Softmax(logits)[i];
            }

            Assert.Equal(expected, found[i], 1e-5);
        }

        Assert.Equal(1, found.Sum(), 1e-5);
    }

    [Fact]
    public void Of_NoHistory_IsTheQueryAlone()
    {
        using var scope = NewDisposeScope();
        using var module = ContentToy.Module(Options);
        using var plain = ContentToy.Module(new ContentOptions { AtInput = false });
        var hidden = zeros(1, 16);

        Assert.Equal(DenseMasses.Of(plain, hidden, [Prompt()], ContentToy.Index)[0],
            DenseMasses.Of(module, hidden, [Prompt()], ContentToy.Index)[0]);
    }

    [Fact]
    public void Of_BatchOfHistories_EqualsEachAlone()
    {
        using var scope = NewDisposeScope();
        using var module = ContentToy.Shaken(ContentToy.Module(Options));
        int[][] prompts = [Prompt("a"), Prompt(), Prompt("e", "b", "a", "h"), Prompt("g")];
        var hidden = randn(4, 16);

        float[][] together = DenseMasses.Of(module, hidden, prompts, ContentToy.Index);

        for (int b = 0; b < prompts.Length; b++)
        {
            float[] alone = DenseMasses.Of(module, hidden.narrow(0, b, 1), [prompts[b]], ContentToy.Index)[0];
            Assert.All(alone.Zip(together[b]), pair => Assert.Equal(pair.First, pair.Second, 1e-5f));
        }
    }

    [Fact]
    public async Task Save_Load_AnswersToTheBit()
    {
        using var folder = new TemporaryFolder();
        using var recommender = ContentToy.Recommender(Options);
        recommender.DenseWeight = 0.8;
        await recommender.SaveAsync(folder["model"]);

        using var loaded = await GenerativeRecommender.LoadAsync(folder["model"]);

        var request = new RecommendationRequest { History = ["a", "e"], Count = 8 };
        Assert.Equal(recommender.Recommend([request])[0].Items, loaded.Recommend([request])[0].Items);
        Assert.Equal(0.4, loaded.Model.Content!.Options.NeighbourShare);
    }

    private static int[] Prompt(params string[] items) =>
        Template.EncodePrompt(Template.NextItem([.. items.Select(item => ContentToy.Index[item])]));

    private static double[] Values(ContentModule module, string name) =>
        [.. module.get_parameter(name)!.data<float>().ToArray().Select(value => (double)value)];

    private static double[] Softmax(double[] logits)
    {
        double[] powers = [.. logits.Select(Math.Exp)];
        double sum = powers.Sum();
        return [.. powers.Select(power => power / sum)];
    }
}
