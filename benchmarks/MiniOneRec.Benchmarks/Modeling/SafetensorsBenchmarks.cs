using BenchmarkDotNet.Attributes;
using BenchmarkDotNet.Configs;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Benchmarks;

/// <summary>Reading and writing 64 MiB of weights, beside the bytes alone.</summary>
[GroupBenchmarksBy(BenchmarkLogicalGroupRule.ByCategory)]
[CategoriesColumn]
public class SafetensorsBenchmarks
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"minionerec-{Environment.ProcessId}.safetensors");
    private (string Name, Tensor Value)[] _tensors = [];
    private byte[] _bytes = [];

    [GlobalSetup]
    public void SetUp()
    {
        _tensors = [.. Enumerable.Range(0, 16).Select(i => ($"layers.{i}.weight", randn(1024, 1024)))];
        SafetensorsFile.SaveAsync(_path, _tensors).GetAwaiter().GetResult();
        _bytes = File.ReadAllBytes(_path);
    }

    [GlobalCleanup]
    public void CleanUp()
    {
        File.Delete(_path);
        foreach (var (_, value) in _tensors)
        {
            value.Dispose();
        }
    }

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("read")]
    public int ReadBytes() => File.ReadAllBytes(_path).Length;

    [Benchmark]
    [BenchmarkCategory("read")]
    public int ReadHeader() => SafetensorsHeader.Read(_path).Entries.Count;

    [Benchmark]
    [BenchmarkCategory("read")]
    public int Load()
    {
        var tensors = SafetensorsFile.Load(_path);
        foreach (var value in tensors.Values)
        {
            value.Dispose();
        }

        return tensors.Count;
    }

    [Benchmark(Baseline = true)]
    [BenchmarkCategory("write")]
    public Task WriteBytesAsync() => AtomicFile.WriteAsync(_path, stream => stream.WriteAsync(_bytes).AsTask());

    [Benchmark]
    [BenchmarkCategory("write")]
    public Task SaveAsync() => SafetensorsFile.SaveAsync(_path, _tensors);
}
