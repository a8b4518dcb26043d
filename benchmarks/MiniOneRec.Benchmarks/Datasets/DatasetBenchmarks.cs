using BenchmarkDotNet.Attributes;
using MiniOneRec.Datasets;

namespace MiniOneRec.Benchmarks;

/// <summary>Filtering to a k-core and splitting, beside one pass that counts every item.</summary>
public class DatasetBenchmarks
{
    private InteractionDataset _data = null!;

    /// <summary>Gets or sets the number of users.</summary>
    [Params(1_500, 30_000)]
    public int Users { get; set; }

    [GlobalSetup]
    public void SetUp() => _data = DemoCatalogue.Create(new DemoCatalogueOptions { Users = Users });

    [Benchmark(Baseline = true)]
    public int CountItems()
    {
        var counts = new Dictionary<string, int>(StringComparer.Ordinal);
        foreach (var sequence in _data.Sequences)
        {
            foreach (string item in sequence.ItemIds)
            {
                counts[item] = counts.GetValueOrDefault(item) + 1;
            }
        }

        return counts.Count;
    }

    [Benchmark]
    public InteractionDataset KCore() => new KCoreFilter().Apply(_data);

    [Benchmark]
    public SplitDataset LeaveOneOut() => new LeaveOneOutSplit().Split(_data);
}
