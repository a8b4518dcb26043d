using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class HeadFunctionTests
{
    [Theory]
    [InlineData(false, true)]
    [InlineData(true, true)]
    [InlineData(false, false)]
    [InlineData(true, false)]
    public void Run_LogProbabilitiesAndEntropies_HaveTheGradientsOfTheTextbook(bool slice, bool leaf)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(4);
        var rows = randn(3, 8).requires_grad_();
        var leafWeight = randn(11, 8).requires_grad_();
        var weight = leaf ? leafWeight : leafWeight * 2;
        long[] tokens = [4, 5, 6, 9];
        var forbidden = tensor([false, false, true, false, false, false, false, false, true, false, false, true], [3, 4]);
        using var head = new HeadSlice(
            arange(3), slice ? tensor(tokens) : null, slice ? forbidden : null, tensor([0L, 0, 1, 2]), tensor([0L, 3, 2, 1]));
        var scale = randn(8);

        (HeadFunction.Run(rows, weight, head) * scale).sum().backward();
        var (rowGradient, weightGradient) = (rows.grad!.clone(), leafWeight.grad!.clone());
        rows.grad!.zero_();
        leafWeight.grad!.zero_();

        var logits = F.linear(rows, slice ? weight.index_select(0, tensor(tokens)) : weight);
        logits = slice ? logits.masked_fill(forbidden, -1e9) : logits;
        var logP = logits.log_softmax(1);
        var entropy = -(logP.exp() * logP).sum(1);
        var plain = cat([logP[0, 0].view(1), logP[0, 3].view(1), logP[1, 2].view(1), logP[2, 1].view(1), entropy[0].view(1),
            entropy[0].view(1), entropy[1].view(1), entropy[2].view(1)]);
        (plain * scale).sum().backward();

        Toy.Close(plain, HeadFunction.Run(rows.detach(), weight.detach(), head), 1e-5, "values");
        Toy.Close(rows.grad!, rowGradient, 1e-5 * rows.grad!.abs().max().item<float>(), "rows");
        Toy.Close(leafWeight.grad!, weightGradient, 1e-5 * leafWeight.grad!.abs().max().item<float>(), "weight");
    }
}
