using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Tests;

/// <summary>What holds for every sequential network.</summary>
public sealed class SequentialModelTests
{
    [Theory]
    [InlineData("sasrec")]
    [InlineData("gru4rec")]
    [InlineData("caser")]
    [InlineData("hstu")]
    public void Encode_LaterItemsChange_EarlierStatesStay(string kind)
    {
        using var scope = NewDisposeScope();
        using var model = Create(kind);

        var one = model.Encode(tensor(new long[] { 1, 2, 3, 4 }, [1, 4]));
        var other = model.Encode(tensor(new long[] { 1, 2, 9, 0 }, [1, 4]));

        Assert.Equal([1, 4, 8], one.shape);
        Assert.True(allclose(one.narrow(1, 0, 2), other.narrow(1, 0, 2), atol: 1e-6));
        Assert.False(allclose(one.narrow(1, 2, 1), other.narrow(1, 2, 1), atol: 1e-3));
    }

    [Theory]
    [InlineData("sasrec")]
    [InlineData("gru4rec")]
    [InlineData("caser")]
    [InlineData("hstu")]
    public void Forward_PaddedBatch_EqualsOneByOne(string kind)
    {
        using var scope = NewDisposeScope();
        using var model = Create(kind);
        ItemRows[] histories = [new([1]), new([2, 3, 4, 5]), new([6, 7])];
        using var batch = SequenceBatch.ForRanking(histories, CPU);

        var together = model.Forward(batch);

        for (int i = 0; i < histories.Length; i++)
        {
            using var alone = SequenceBatch.ForRanking([histories[i]], CPU);
            Assert.True(allclose(model.Forward(alone)[0], together[i], atol: 1e-5));
        }
    }

    [Theory]
    [InlineData("sasrec",
        "blocks.0.attention_norm.bias blocks.0.attention_norm.weight blocks.0.down.bias blocks.0.down.weight "
        + "blocks.0.feed_forward_norm.bias blocks.0.feed_forward_norm.weight blocks.0.out.bias blocks.0.out.weight blocks.0.qkv.bias "
        + "blocks.0.qkv.weight blocks.0.up.bias blocks.0.up.weight items.weight norm.bias norm.weight positions.weight")]
    [InlineData("gru4rec", "gru.bias_hh_l0 gru.bias_ih_l0 gru.weight_hh_l0 gru.weight_ih_l0 items.weight out.bias out.weight")]
    [InlineData("caser",
        "horizontal.0.bias horizontal.0.weight horizontal.1.bias horizontal.1.weight horizontal.2.bias horizontal.2.weight items.weight "
        + "out.bias out.weight vertical.weight")]
    [InlineData("hstu",
        "blocks.0.out.bias blocks.0.out.weight blocks.0.position_bias blocks.0.uvqk.weight items.weight positions.weight")]
    public void Parameters_Names_AreStable(string kind, string names)
    {
        using var model = Create(kind);

        Assert.Equal(names, string.Join(' ', model.named_parameters().Select(pair => pair.name).Order(StringComparer.Ordinal)));
    }

    [Theory]
    [InlineData("sasrec", 1)]
    [InlineData("sasrec", 1 << 20)]
    [InlineData("gru4rec", 25)]
    [InlineData("caser", 25)]
    [InlineData("hstu", 25)]
    public void Backward_InChunks_EqualsCrossEntropyOfAllLogits(string kind, long logitBudget)
    {
        using var scope = NewDisposeScope();
        using var model = Create(kind);
        model.eval();                                           // no dropout, and gradients all the same
        using var batch = SequenceBatch.ForTraining([new([1, 2, 3, 4]), new([5, 6]), new([7, 1, 7])], CPU);

        var expectedLoss = nn.functional.cross_entropy(model.Forward(batch), batch.Labels!);
        expectedLoss.backward();
        var expected = model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad?.clone());
        model.zero_grad();
        var loss = FullSoftmaxLoss.Backward(model, batch, logitBudget);

        Assert.Equal(expectedLoss.item<float>(), loss.item<float>(), 1e-5f);
        Assert.All(model.named_parameters(), pair => Assert.True(
            expected[pair.name] is null ? pair.parameter.grad is null
            : allclose(expected[pair.name]!, pair.parameter.grad!, rtol: 1e-4, atol: 1e-6),
            pair.name));
    }

    private static SequentialModel Create(string kind)
    {
        TorchSeed.Apply(1);
        SequentialModel model = kind switch
        {
            "sasrec" => new SasRecModel(10, new SasRecOptions { HiddenSize = 8, Layers = 1, MaxLength = 4 }),
            "gru4rec" => new Gru4RecModel(10, new Gru4RecOptions { HiddenSize = 8 }),
            "hstu" => new HstuModel(10, new HstuOptions { HiddenSize = 8, Layers = 1, MaxLength = 4 }),
            _ => new CaserModel(10, new CaserOptions { HiddenSize = 8 }),
        };
        using var noGrad = no_grad();
        foreach (var parameter in model.parameters())
        {
            parameter.mul_(3);                                                              // so that every part has something to say
        }

        model.eval();
        return model;
    }
}
