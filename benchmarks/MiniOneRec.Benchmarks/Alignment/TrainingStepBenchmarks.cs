using BenchmarkDotNet.Attributes;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Benchmarks;

/// <summary>One training step of a small decoder on 64 packed sequences, and the optimizer alone by two implementations.</summary>
public class TrainingStepBenchmarks
{
    private DecoderModel _model = null!;
    private Parameter[] _parameters = [];
    private FusedAdamW _fused = null!;
    private optim.Optimizer _plain = null!;
    private TokenBatch _batch = null!;
    private LabelSet _labels = null!;

    /// <summary>Gets or sets D.</summary>
    [Params(128, 256)]
    public int Width { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        var index = Catalogues.Index(4_000);
        var template = CompactTemplate.For(index);
        _model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, Width, 2, 4));
        _parameters = [.. _model.parameters()];
        _fused = new FusedAdamW([(_parameters, 0.1)]);
        _plain = optim.AdamW(_parameters, 1e-6, weight_decay: 0.1);
        int[][] prompts = Catalogues.Prompts(index, template, 64, 10);
        _batch = TokenBatch.Of(prompts);
        long[] positions = [.. Enumerable.Range(0, _batch.TotalTokens)
            .Where(i => !_batch.Offsets.Contains(i + 1) && i + 1 < _batch.TotalTokens).Select(i => (long)i)];
        long[] tokens = [.. _batch.Tokens.data<long>()];
        _labels = new LabelSet(positions, [.. positions.Select(i => tokens[i + 1])], [], CPU);
        Step();
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        _fused.Dispose();
        _plain.Dispose();
        _batch.Dispose();
        _labels.Dispose();
        _model.Dispose();
    }

    [Benchmark(Baseline = true)]
    public void Step()
    {
        using var scope = NewDisposeScope();
        _fused.ZeroGrad();
        var hidden = _model.Forward(_batch);                                                // [N, D]
        LabelLoss.Backward(_model, hidden, _labels, 1.0 / _labels.Positions.size(0), 0.1);
        _fused.Step(1e-6);
    }

    [Benchmark]
    public void ForwardOnly()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        _model.Forward(_batch);
    }

    [Benchmark]
    public void OptimizerFused() => _fused.Step(1e-6);

    [Benchmark]
    public void OptimizerPlain() => _plain.step();
}
