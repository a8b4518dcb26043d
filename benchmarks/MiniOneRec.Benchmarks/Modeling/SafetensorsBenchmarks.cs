using BenchmarkDotNet.Attributes;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Benchmarks;

/// <summary>Reading and writing 64 MiB of weights.</summary>
public class SafetensorsBenchmarks
{
    private readonly string _path = Path.Combine(Path.GetTempPath(), $"minionerec-{Environment.ProcessId}.safetensors");
    private (string Name, Tensor Value)[] _tensors = [];

    [GlobalSetup]
    public void SetUp()
    {
        _tensors = [.. Enumerable.Range(0, 16).Select(i => ($"layers.{i}.weight", randn(1024, 1024)))];
        SafetensorsFile.SaveAsync(_path, _tensors).GetAwaiter().GetResult();
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

    [Benchmark]
    public int ReadHeader() => SafetensorsHeader.Read(_path).Entries.Count;

    [Benchmark]
    public int Load()
    {
        var tensors = SafetensorsFile.Load(_path);
        foreach (var value in tensors.Values)
        {
            value.Dispose();
        }

        return tensors.Count;
    }

    [Benchmark]
    public Task SaveAsync() => SafetensorsFile.SaveAsync(_path, _tensors);
}
