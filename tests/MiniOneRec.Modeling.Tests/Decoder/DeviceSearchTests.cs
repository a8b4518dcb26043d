using MiniOneRec.Tensors;
using TorchSharp;
using Xunit.Abstractions;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Decoder;

/// <summary>What a search asks an accelerator for outside the layers. Without one, its way is taken on the CPU.</summary>
public sealed class DeviceSearchTests(ITestOutputHelper output)
{
    // Each makes the host wait until the device has computed what decides a shape or a branch.
    private static readonly string[] Waiting =
    [
        "aten::item", "aten::_local_scalar_dense", "aten::is_nonzero", "aten::nonzero", "aten::masked_select", "aten::equal",
        "aten::allclose", "aten::unique_dim", "aten::_unique2",
    ];

    [Theory]
    [InlineData(BeamScoring.Exact)]
    [InlineData(BeamScoring.SidOnly)]
    [InlineData(BeamScoring.TrieRenormalised)]
    public void Search_AsksForNothingThatMakesTheHostWait(BeamScoring scoring)
    {
        if (!DispatcherCalls.Exist)
        {
            return;
        }

        var template = new CompactTemplate([5, 5, 5], writesEnd: true);
        using var model = Model(template.VocabularySize);
        using var trie = SemanticIdTrie.FromCodes([.. Enumerable.Range(0, 60).SelectMany(i => new[] { i / 12, i / 3 % 5, i * 2 % 5 })], 3);
        var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = 4, Scoring = scoring });
        BeamQuery[] queries = [new([3, 1, 4, 1, 5]), new([9, 2, 6])];
        int found = 0;

        var calls = DeviceInference.Forced(() => DispatcherCalls.Of(() => found = search.Search(model, queries, trie, template)[0].Count));

        output.WriteLine($"{calls.Count} calls, {calls.Count(call => call.IsLaunch)} launches");
        Assert.Equal(4, found);
        Assert.True(calls.Count > 200, $"{calls.Count} calls");
        Assert.DoesNotContain(calls, call => Waiting.Contains(call.Name));
    }

    [Fact]
    public void LogNormalizers_TakeTheWholeVocabularyAtOnce()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var model = Model(9_000);
        var hidden = randn(100, 32);
        var expected = model.Logits(hidden).logsumexp(1);
        Tensor? values = null;

        IReadOnlyList<DispatcherCall> calls = !DispatcherCalls.Exist ? []
            : DeviceInference.Forced(() => DispatcherCalls.Of(() => values = model.LogNormalizers(hidden)));

        values ??= DeviceInference.Forced(() => model.LogNormalizers(hidden));
        Assert.InRange((expected - values).abs().max().item<float>(), 0, 1e-5);
        Assert.InRange(calls.Count(call => call.IsLaunch), 0, 9);
    }

    [Fact]
    public void LogitBudget_OfAnAccelerator_HoldsMore()
    {
        const long Vocabulary = 151_936;

        Assert.Equal(110, LogitBudget.OfRows(DeviceType.CPU) / Vocabulary);
        Assert.Equal(441, LogitBudget.OfRows(DeviceType.CUDA) / Vocabulary);
        Assert.Equal(16_384, LogitBudget.BlockWidth(16, onDevice: false));
        Assert.True(LogitBudget.BlockWidth(16, onDevice: true) > Vocabulary);
        Assert.Equal(1_024, LogitBudget.BlockWidth(1 << 20, onDevice: true));
    }

    [SkippableFact]
    [Trait("Category", "Gpu")]
    public void Upload_ToAGpu_ArrivesThoughNobodyWaits()
    {
        Skip.IfNot(cuda.is_available(), "There is no GPU.");
        using var scope = NewDisposeScope();
        long[] values = [.. Enumerable.Range(0, 1 << 20)];

        Tensor[] there = [.. Enumerable.Range(0, 20).Select(_ => Upload.Of(values, CUDA))];

        Assert.All(there, tensor => Assert.Equal(values, tensor.cpu().data<long>().ToArray()));
        Assert.Equal([1f, 2, 3, 4], Upload.Of([1f, 2, 3, 4], [2, 2], CUDA).cpu().data<float>().ToArray());
        Assert.Equal([true, false], Upload.Of([true, false], [2, 1], CUDA).cpu().data<bool>().ToArray());
    }

    private static DecoderModel Model(int vocabulary)
    {
        torch.random.manual_seed(3);
        var model = new DecoderModel(DecoderConfig.Small(vocabulary, 32, 2, 2) with { InitializerRange = 0.2 });
        model.eval();
        return model;
    }
}
