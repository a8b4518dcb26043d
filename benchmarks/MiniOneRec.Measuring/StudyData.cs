using MiniOneRec.Datasets;

namespace MiniOneRec.Measuring;

/// <summary>Loads the real data sets that studies measure on.</summary>
public static class StudyData
{
    /// <summary>Loads a set: <c>Industrial_and_Scientific</c> and <c>Office_Products</c> as split, <c>Beauty</c> leave-one-out, <c>demo</c>
    /// and <c>demo-2</c>, two invented shops, leave-one-out.</summary>
    /// <param name="context">Finds the data.</param>
    /// <param name="name">The set's name.</param>
    /// <param name="maxHistory">The longest history of Beauty's and demo's rows.</param>
    public static async Task<SplitDataset> LoadAsync(StudyContext context, string name, int maxHistory = 50)
    {
        ArgumentNullException.ThrowIfNull(context);
        return name switch
        {
            "demo" => new LeaveOneOutSplit(maxHistory).Split(DemoCatalogue.Create()),
            "demo-2" => Named("demo-2", new LeaveOneOutSplit(maxHistory).Split(DemoCatalogue.Create(new() { Seed = 43 }))),
            "Beauty" => new LeaveOneOutSplit(maxHistory).Split(await InteractionDataset.LoadAsync(
                context.DataPath("Beauty/Beauty.inter.json"), context.DataPath("Beauty/Beauty.index.json"),
                cancellationToken: context.CancellationToken)),
            _ => await ReferenceDataset.LoadAsync(context.DataPath("Amazon"), name, cancellationToken: context.CancellationToken),
        };
    }

    private static SplitDataset Named(string name, SplitDataset data) => data with { Name = name };
}
