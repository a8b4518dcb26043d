using MiniOneRec.Shared;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Tests;

public sealed class SasRecModelTests
{
    [Fact]
    public void Encode_LaterItemsChange_EarlierStatesStay()
    {
        using var scope = NewDisposeScope();
        using var model = Create();

        var one = model.Encode(tensor(new long[] { 1, 2, 3, 4 }, [1, 4]));
        var other = model.Encode(tensor(new long[] { 1, 2, 9, 0 }, [1, 4]));

        Assert.True(allclose(one.narrow(1, 0, 2), other.narrow(1, 0, 2), atol: 1e-6));
        Assert.False(allclose(one.narrow(1, 2, 1), other.narrow(1, 2, 1), atol: 1e-3));
    }

    [Fact]
    public void Forward_PaddedBatch_EqualsOneByOne()
    {
        using var scope = NewDisposeScope();
        using var model = Create();
        int[][] histories = [[1], [2, 3, 4, 5], [6, 7]];
        using var batch = SequenceBatch.ForRanking(histories, CPU);

        var together = model.Forward(batch);

        for (int i = 0; i < histories.Length; i++)
        {
            using var alone = SequenceBatch.ForRanking([histories[i]], CPU);
            Assert.True(allclose(model.Forward(alone)[0], together[i], atol: 1e-5));
        }
    }

    [Fact]
    public void Parameters_Names_AreStable()
    {
        using var model = Create();

        Assert.Equal(
            [
                "blocks.0.attention_norm.bias", "blocks.0.attention_norm.weight", "blocks.0.down.bias", "blocks.0.down.weight",
                "blocks.0.feed_forward_norm.bias", "blocks.0.feed_forward_norm.weight", "blocks.0.out.bias", "blocks.0.out.weight",
                "blocks.0.qkv.bias", "blocks.0.qkv.weight", "blocks.0.up.bias", "blocks.0.up.weight",
                "items.weight", "norm.bias", "norm.weight", "positions.weight",
            ],
            model.named_parameters().Select(pair => pair.name).Order(StringComparer.Ordinal));
    }

    private static SasRecModel Create()
    {
        TorchSeed.Apply(1);
        var model = new SasRecModel(10, new SasRecOptions { HiddenSize = 8, Layers = 1, MaxLength = 4 });
        using var noGrad = no_grad();
        foreach (var parameter in model.parameters())
        {
            parameter.mul_(3);                                                              // so that attention has something to say
        }

        model.eval();
        return model;
    }
}
