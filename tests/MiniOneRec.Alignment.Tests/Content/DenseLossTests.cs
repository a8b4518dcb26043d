using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Tests;

public sealed class DenseLossTests
{
    private static readonly ContentTrainingOptions Plain = new() { LabelSmoothing = 0.2, InputDropout = 0, HiddenRate = 1 };

    [Fact]
    public void Backward_WholeCatalogue_EqualsThePlainFormula()
    {
        using var scope = NewDisposeScope();
        var (content, batch, targets) = Case();
        var hidden = randn(batch.TotalTokens, 16);

        var (loss, gradient) = DenseLoss.Backward(content, hidden, batch.HistoriesFor(content), targets, 0.5, Plain, logitBudget: 30);

        var states = hidden.index_select(0, tensor([.. targets.Tokens.Select(token => (long)token)])).requires_grad_();
        var logits = content.Logits(content.Queries(states, batch.HistoriesFor(content), targets.Tokens));
        var rows = new List<Tensor>();
        for (int m = 0; m < targets.Tokens.Length; m++)
        {
            var z = logits[m];
            var own = stack(targets.Items[m].Select(item => z[item])).logsumexp(0);
            var partition = z.logsumexp(0);
            rows.Add((partition - own) * Scalars.Of(0.8) + (partition - z.mean()) * Scalars.Of(0.2));
        }

        var expected = stack(rows).sum();
        Assert.Equal(expected.item<float>(), loss, 1e-4);
        float[] grads = [.. content.parameters().SelectMany(p => p.grad!.data<float>().ToArray())];
        content.zero_grad();
        (expected * Scalars.Of(0.5)).backward();
        AssertClose(states.grad!.data<float>().ToArray(), gradient!.data<float>().ToArray());
        AssertClose([.. content.parameters().SelectMany(p => p.grad!.data<float>().ToArray())], grads);
    }

    [Fact]
    public void Backward_NewItems_AreNotOnOffer()
    {
        using var scope = NewDisposeScope();
        var counts = Toy.Index().Items.Where(item => item is not ("3" or "7" or "8")).ToDictionary(item => item, _ => 2.0);
        var (content, batch, targets) = Case(counts: counts);
        var hidden = randn(batch.TotalTokens, 16);

        var (loss, _) = DenseLoss.Backward(content, hidden, batch.HistoriesFor(content), targets, 1, Plain, logitBudget: 1 << 20);

        var logits = content.Logits(content.Queries(hidden.index_select(0, tensor([.. targets.Tokens.Select(token => (long)token)])),
            batch.HistoriesFor(content), targets.Tokens)).detach().data<float>().ToArray();
        int items = content.Items.Count;
        double expected = 0;
        for (int m = 0; m < targets.Tokens.Length; m++)
        {
            double[] offered = [.. Enumerable.Range(0, items).Where(item => counts.ContainsKey(content.Items[item]))
                .Select(item => (double)logits[m * items + item])];
            double partition = Math.Log(offered.Sum(Math.Exp));
            double own = Math.Log(targets.Items[m].Sum(item => Math.Exp(logits[m * items + item])));
            expected += 0.8 * (partition - own) + 0.2 * (partition - offered.Average());
        }

        Assert.Equal(expected, loss, 1e-4);
        float[] bias = content.get_parameter("bias")!.grad!.data<float>().ToArray();
        Assert.All(content.Items.Index(), pair => Assert.Equal(!counts.ContainsKey(pair.Item), bias[pair.Index] == 0));
    }

    [Theory]
    [InlineData(false, 0.0)]
    [InlineData(false, 0.2)]
    [InlineData(true, 0.0)]
    [InlineData(true, 0.2)]
    public void Backward_WithNeighbours_EqualsTheMixturesFormulaOverWhatIsOnOffer(bool news, double smoothing)
    {
        using var scope = NewDisposeScope();
        var counts = news ? Toy.Index().Items.Where(item => item is not ("3" or "7" or "8")).ToDictionary(item => item, _ => 2.0) : null;
        var (content, batch, targets) = Case(neighbours: 0.4, counts);
        var hidden = randn(batch.TotalTokens, 16);

        var (loss, _) = DenseLoss.Backward(
            content, hidden, batch.HistoriesFor(content), targets, 1, Plain with { LabelSmoothing = smoothing }, logitBudget: 30);

        float[] grads = [.. content.parameters().SelectMany(p => p.grad!.data<float>().ToArray())];
        content.zero_grad();
        var rows = batch.HistoriesFor(content);
        var states = hidden.index_select(0, tensor([.. targets.Tokens.Select(token => (long)token)]));
        var absent = tensor([.. content.Items.Select(item => counts?.ContainsKey(item) == false ? float.NegativeInfinity : 0)]);
        var query = F.softmax(content.Logits(content.Queries(states, rows, targets.Tokens)) + absent, 1);
        var parts = content.Neighbours(rows, targets.Tokens)!;
        var items = F.softmax(content.NeighbourLogits(parts.Queries) + absent, 1);
        var held = absent.isfinite().nonzero().squeeze(1);
        Tensor Even(Tensor p) => p.index_select(0, held).log().mean();
        var sum = zeros(1);
        for (int m = 0; m < targets.Tokens.Length; m++)
        {
            var mixed = query[m] * parts.LogRest[m].exp();
            var even = Even(query[m]) * parts.LogRest[m].detach().exp();
            for (int k = 0; k < parts.At.size(1); k++)
            {
                var item = items[parts.At[m, k].item<long>()];
                mixed = mixed + item * parts.LogShares[m, k].exp();
                even = even + Even(item) * parts.LogShares[m, k].detach().exp();
            }

            Assert.Equal(1, mixed.sum().item<float>(), 1e-4);
            var own = stack(targets.Items[m].Select(item => mixed[item])).sum().log();
            sum = sum - own * Scalars.Of(1 - smoothing) - even * Scalars.Of(smoothing);
        }

        Assert.Equal(sum.item<float>(), loss, 1e-3);
        sum.backward();
        AssertClose([.. content.parameters().SelectMany(p => p.grad!.data<float>().ToArray())], grads);
        float[] bias = content.get_parameter("neighbour_bias")!.grad!.data<float>().ToArray();
        Assert.All(content.Items.Index(), pair => Assert.Equal(counts?.ContainsKey(pair.Item) == false, bias[pair.Index] == 0));
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.4)]
    public void Backward_BFloat16_IsNearFloat32(double neighbours)
    {
        using var scope = NewDisposeScope();
        var (content, batch, targets) = Case(neighbours);
        var hidden = zeros(batch.TotalTokens, 16);
        var (loss, _) = DenseLoss.Backward(content, hidden, batch.HistoriesFor(content), targets, 1, Plain, 1 << 20);
        float[] grads = [.. content.parameters().SelectMany(p => p.grad!.data<float>().ToArray())];
        content.zero_grad();

        var (rounded, _) = DenseLoss.Backward(
            content, hidden.to_type(ScalarType.BFloat16), batch.HistoriesFor(content), targets, 1, Plain, 1 << 20);

        Assert.Equal(loss, rounded, 0.02 * loss);
        float[] near = [.. content.parameters().SelectMany(p => p.grad!.data<float>().ToArray())];
        double error = Math.Sqrt(grads.Zip(near, (a, b) => (double)(a - b) * (a - b)).Sum() / grads.Sum(a => (double)a * a));
        Assert.InRange(error, 1e-6, 0.02);
    }

    [Theory]
    [InlineData(0.0)]
    [InlineData(0.4)]
    public void Backward_SampledCatalogue_EstimatesTheWholeOne(double neighbours)
    {
        using var scope = NewDisposeScope();
        var (content, batch, targets) = Case(neighbours);
        var hidden = randn(batch.TotalTokens, 16);
        var (whole, _) = DenseLoss.Backward(content, hidden, batch.HistoriesFor(content), targets, 1, Plain, 1 << 20);
        random.manual_seed(4);

        var (sampled, _) = DenseLoss.Backward(
            content, hidden, batch.HistoriesFor(content), targets, 1, Plain with { SampleAbove = 1, SampledItems = 20_000 }, 1 << 20);

        // The items' normalizers count a drawn target twice, on this catalogue of a dozen items as often as not.
        Assert.Equal(whole / targets.Tokens.Length, sampled / targets.Tokens.Length, neighbours == 0 ? 0.01 : 0.1);
    }

    [Fact]
    public void Of_TreesAndChains_FindsEveryPredictedItem()
    {
        using var scope = NewDisposeScope();
        var (content, _, targets) = Case();

        Assert.Equal([0, 3, 6, 10], targets.Tokens);
        Assert.Equal(["0", "5", "10", "0"], targets.Items.Select(rows => $"{rows[0]}"));

        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        int[] prompt = template.EncodePrompt(template.NextItem([index["1"]]));
        var tree = SampleTree.Of(
            TokenSample.Of(prompt, template.EncodeResponse(index["2"]), "t", "x") with { Group = "g" },
            TokenSample.Of(prompt, template.EncodeResponse(index["3"]), "t", "y") with { Group = "g" });

        var found = DenseTargets.Of([tree], content);

        Assert.Equal([3, 3], found.Tokens);
        Assert.Equal([2, 3], found.Items.Select(rows => rows[0]));
        Assert.Equal(2, DenseTargets.Count([tree], content));
    }

    private static (ContentModule Content, TokenBatch Batch, DenseTargets Targets) Case(
        double neighbours = 0, IReadOnlyDictionary<string, double>? counts = null)
    {
        random.manual_seed(1);
        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        var content = ContentCase.Content(
            index, template, new ContentOptions { AtInput = false, ItemResiduals = neighbours == 0, NeighbourShare = neighbours },
            counts: counts);
        int[] chain = template.EncodePrompt(template.NextItem([index["0"], index["5"], index["10"]]));
        bool[] labels = [.. chain.Select((_, i) => i > 0)];
        SampleTree[] trees =
        [
            SampleTree.Of(new TokenSample(chain, labels, "t", "a")),
                SampleTree.Of(TokenSample.Of([chain[0]], template.EncodeResponse(index["0"]), "t", "b")),
        ];
        var batch = TokenBatch.Of([.. trees.Select(tree => tree.Tree)]);
        var targets = DenseTargets.Of(trees, content);
        return (content, batch, targets);
    }

    private static void AssertClose(float[] expected, float[] actual)
    {
        Assert.Equal(expected.Length, actual.Length);
        for (int i = 0; i < expected.Length; i++)
        {
            Assert.Equal(expected[i], actual[i], 1e-4f);
        }
    }
}
