using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class ContentModuleTests
{
    private static readonly CompactTemplate Template = CompactTemplate.For(ContentToy.Index);

    [Fact]
    public void Attach_AtTheStart_LeavesHiddenStatesAsTheyAre()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = ContentToy.Model();
        using var batch = TokenBatch.Of([Prompt("a", "e")]);
        var before = model.Forward(batch);

        model.Attach(ContentToy.Module());

        Assert.Equal(before.data<float>().ToArray(), model.Forward(batch).data<float>().ToArray());
    }

    [Fact]
    public void Forward_ContentAtInput_ChangesWhatFollowsTheLastCodeAlone()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = ContentToy.Model();
        using var batch = TokenBatch.Of([Prompt("a", "e")]);
        var before = model.Forward(batch);

        model.Attach(ContentToy.Shaken(ContentToy.Module()));
        var changed = (model.Forward(batch) - before).abs().amax([1]);

        Assert.Equal([true, true, false, false, false], changed.data<float>().ToArray().Select(value => value == 0));
    }

    [Fact]
    public void Logits_AtTheStart_AreANearestNeighbourSearch()
    {
        var options = new ContentOptions { DecayRate = 0.7, LastItemShare = 0.4, InitialScale = 6, PopularityPower = 0.5 };
        using var module = ContentToy.Module(options);

        double[] logits = LogitsOf(module, Prompt("a", "c", "e"), zeros(1, 16));

        var unit = ContentToy.Unit(module.Content);
        double[] weights = [Math.Exp(-1.4), Math.Exp(-0.7), 1];
        double[] query = [.. Enumerable.Range(0, ContentToy.Width).Select(e =>
            0.6 * new[] { "a", "c", "e" }.Select((item, i) => weights[i] * ContentToy.Leaf(unit, item)[e]).Sum() / weights.Sum()
                + 0.4 * ContentToy.Leaf(unit, "e")[e])];
        for (int i = 0; i < logits.Length; i++)
        {
            double expected = 6 * query.Zip(unit[i], (q, v) => q * v).Sum()
                + 0.5 * Math.Log(ContentToy.Counts.GetValueOrDefault(ContentToy.Index.Items[i]) + 1);
            Assert.Equal(expected, logits[i], 1e-5);
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(20)]
    public void Bias_NewItems_StartAtTheirAssumedCount(double count)
    {
        using var module = ContentToy.Module(new ContentOptions { NewItemCount = count, PopularityPower = 0.5, NeighbourShare = 0.5 });

        Assert.Equal([0, 1, 4], module.Offered!);
        foreach (double[] bias in new[] { Vector(module, "bias"), Vector(module, "neighbour_bias") })
        {
            Assert.Equal(0.5 * Math.Log(9), bias[0], 1e-6);
            Assert.All(new[] { 2, 3, 5, 6, 7 }, row => Assert.Equal(0.5 * Math.Log(count + 1), bias[row], 1e-6));
        }
    }

    [Fact]
    public void Logits_LearnedWeights_FollowTheFormula()
    {
        using var module = ContentToy.Shaken(ContentToy.Module(new ContentOptions { ItemResiduals = true }));
        random.manual_seed(2);
        using var hidden = randn(1, 16);

        double[] logits = LogitsOf(module, Prompt("b"), hidden);

        var unit = ContentToy.Unit(module.Content);
        double[] item = ContentToy.Leaf(unit, "b"), h = [.. hidden.data<float>().ToArray().Select(value => (double)value)];
        double[,] a = Matrix(module, "mean"), b = Matrix(module, "last"), w = Matrix(module, "hidden"), u = Matrix(module, "residual");
        double scale = Vector(module, "scale")[0];
        double[] bias = Vector(module, "bias");
        double[] query = [.. Enumerable.Range(0, ContentToy.Width).Select(e => Row(a, e, item) + Row(b, e, item) + Row(w, e, h))];
        for (int i = 0; i < logits.Length; i++)
        {
            double expected = scale * query.Select((q, e) => q * (unit[i][e] + u[i, e])).Sum() + bias[i];
            Assert.Equal(expected, logits[i], 1e-4);
        }
    }

    [Fact]
    public void Logits_NoHistory_AreTheBiases()
    {
        using var module = ContentToy.Module();

        double[] logits = LogitsOf(module, Prompt(), zeros(1, 16));

        Assert.Equal(Vector(module, "bias"), logits);
    }

    [Fact]
    public void Logits_NewestFirst_ReadTheFirstItemAsTheLast()
    {
        var reversed = new CompactTemplate(ContentToy.Index.LevelSizes, order: HistoryOrder.NewestFirst);
        using var module = ContentToy.Module();
        using var other = ContentToy.Module(template: reversed);

        double[] logits = LogitsOf(module, Prompt("a", "c", "e"), zeros(1, 16));

        Assert.Equal(logits, LogitsOf(other, Prompt("e", "c", "a"), zeros(1, 16)));
    }

    [Fact]
    public void Extend_WithTerminator_EqualsForward()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var template = new CompactTemplate(ContentToy.Index.LevelSizes, writesEnd: true);
        using var model = ContentToy.Model(template);
        model.Attach(ContentToy.Shaken(ContentToy.Module(template: template)));
        model.eval();
        int[] prompt = template.EncodePrompt(template.NextItem([ContentToy.Index["a"]])),
            codes = template.Vocabulary.Encode(ContentToy.Index["e"]);
        using var whole = TokenBatch.Of([[.. prompt, .. codes]]);
        var expected = model.Forward(whole).narrow(0, prompt.Length, 2);

        using var cache = new PromptCache();
        using var start = TokenBatch.Of([prompt]);
        model.Prefill(start, cache);
        var first = model.Extend(cache, new DecodingStep { Tokens = [codes[0]], Prompts = [0], Ancestors = [[0]] });
        var second = model.Extend(cache, new DecodingStep { Tokens = [codes[1]], Prompts = [0], Ancestors = [[0, 1]] });

        Assert.True((cat([first, second]) - expected).abs().max().item<float>() < 1e-5);
    }

    [Fact]
    public void Attach_ModelOfAnotherWidth_IsRefused()
    {
        using var model = ContentToy.Model();
        using var module = new ContentModule(ContentToy.Content(), ContentToy.Index, Template, 32);

        Assert.Contains("width 32; this one has 16", Assert.Throws<ArgumentException>(() => model.Attach(module)).Message);
    }

    private static int[] Prompt(params string[] items) =>
        Template.EncodePrompt(Template.NextItem([.. items.Select(item => ContentToy.Index[item])]));

    private static double[] LogitsOf(ContentModule module, int[] prompt, Tensor hidden)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var rows = HistoryRows.Of([TokenTree.Chain(prompt)], module.Vocabulary, module.Trie);
        return [.. module.Logits(module.Queries(hidden, rows, [prompt.Length - 1])).data<float>().ToArray().Select(value => (double)value)];
    }

    private static double Row(double[,] matrix, int row, double[] vector) =>
        vector.Select((value, column) => matrix[row, column] * value).Sum();

    private static double[] Vector(ContentModule module, string name) =>
        [.. module.get_parameter(name)!.data<float>().ToArray().Select(value => (double)value)];

    private static double[,] Matrix(ContentModule module, string name)
    {
        var parameter = module.get_parameter(name)!;
        var matrix = new double[parameter.size(0), parameter.size(1)];
        float[] values = parameter.data<float>().ToArray();
        for (int i = 0; i < values.Length; i++)
        {
            matrix[i / matrix.GetLength(1), i % matrix.GetLength(1)] = values[i];
        }

        return matrix;
    }
}
