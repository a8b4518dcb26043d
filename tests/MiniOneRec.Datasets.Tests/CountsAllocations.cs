namespace MiniOneRec.Datasets.Tests;

/// <summary>Tests that count what the process allocates: they run while no other test does.</summary>
[CollectionDefinition(nameof(CountsAllocations), DisableParallelization = true)]
public sealed class CountsAllocations;
