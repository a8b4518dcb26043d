using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class BlockBorderTests
{
    private const int Layers = 3;

    [Theory]
    [InlineData(true, false)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    public void Backward_AtEachBorder_GradientsOfTheLaterBlocksAreThoseOfTheEnd(bool tied, bool checkpointing)
    {
        random.manual_seed(5);
        using var model = new DecoderModel(DecoderConfig.Small(20, 8, Layers, heads: 2) with { TieWordEmbeddings = tied });
        float[][] alone = Gradients(model, checkpointing, null);
        var seen = new Watcher(model);

        float[][] watched = Gradients(model, checkpointing, seen);

        Assert.Equal(alone, watched);
        Assert.Equal(Enumerable.Range(1, Layers + 1).Reverse(), seen.Completed.Select(at => at.Block));
        int[] blocks = [.. model.named_parameters().Select(pair => model.BlockOf(pair.name))];
        foreach (var (block, gradients) in seen.Completed)
        {
            Assert.All(Enumerable.Range(0, blocks.Length).Where(i => blocks[i] >= block), i => Assert.Equal(watched[i], gradients[i]));
            Assert.All(Enumerable.Range(0, blocks.Length).Where(i => blocks[i] > 0 && blocks[i] < block), i => Assert.Empty(gradients[i]));
        }

        // Every block is entered before it is computed, a second time where it is computed again.
        int[] forward = [.. Enumerable.Range(0, Layers + 2)];
        Assert.Equal(checkpointing ? [.. forward, .. Enumerable.Range(1, Layers).Reverse()] : forward, seen.Entered);
        Assert.Equal(checkpointing ? Enumerable.Range(1, Layers) : [], seen.Left);
    }

    private static float[][] Gradients(DecoderModel model, bool checkpointing, Watcher? watcher)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([(int[])[1, 2, 3, 4], [5, 6]]);
        model.train();
        (model.GradientCheckpointing, model.Observer) = (checkpointing, watcher);
        foreach (var parameter in model.parameters())
        {
            parameter.grad = null;
        }

        try
        {
            autograd.backward([model.LogProbabilities(model.Forward(batch), tensor(new long[] { 2, 3, 4, 5, 6, 7 })).sum()]);
        }
        finally
        {
            model.Observer = null;
        }

        return Values(model);
    }

    private static float[][] Values(DecoderModel model) => [.. model.parameters().Select(parameter =>
    {
        using var gradient = parameter.grad;
        return gradient is null ? [] : gradient.data<float>().ToArray();
    })];

    private sealed class Watcher(DecoderModel model) : IBlockObserver
    {
        public List<int> Entered { get; } = [];

        public List<int> Left { get; } = [];

        public List<(int Block, float[][] Gradients)> Completed { get; } = [];

        public void Enter(int block) => Entered.Add(block);

        public void Leave(int block) => Left.Add(block);

        public void Complete(int block) => Completed.Add((block, Values(model)));
    }
}
