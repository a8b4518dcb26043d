using MiniOneRec;
using MiniOneRec.Datasets;

namespace AmazonReviews;

/// <summary>Reads the files that the command line names and splits them.</summary>
internal static class DataStage
{
    /// <summary>Loads catalogue, semantic IDs and the three sets.</summary>
    public static async Task<SplitDataset> LoadAsync(Settings settings, CancellationToken cancellationToken)
    {
        if (settings.Data is null)
        {
            var interactions = await InteractionDataset.LoadAsync(
                settings.Interactions!, settings.Index, settings.Items, cancellationToken: cancellationToken);
            return SplitBy(settings.Split, interactions);
        }

        var data = await ReferenceDataset.LoadAsync(settings.Data, settings.Dataset!, cancellationToken: cancellationToken);
        if (settings.Index is not null)
        {
            data = data with { Index = await SemanticIdIndex.LoadAsync(settings.Index, requireUniformDepth: true, cancellationToken: cancellationToken) };
            RequireItems(data, settings.Index);
        }

        // The layout's own sets are cut by time.
        return settings.Split is "given" or "time" ? data : SplitBy(settings.Split, Regroup(data));
    }

    private static SplitDataset SplitBy(string split, InteractionDataset data) => split == "time"
        ? new GlobalTimeSplit(maxHistory: Preset.MaxHistory).Split(data)
        : new LeaveOneOutSplit(Preset.MaxHistory).Split(data);

    /// <summary>Puts each user's rows of all three sets together again: the first row's history, then the targets.</summary>
    private static InteractionDataset Regroup(SplitDataset data) => new()
    {
        Name = data.Name,
        Items = data.Items,
        Index = data.Index,
        Sequences =
        [
            .. data.Train.Concat(data.Validation).Concat(data.Test).GroupBy(row => row.UserId)
                .Select(rows => new UserSequence(rows.Key, [.. rows.First().History, .. rows.Select(row => row.Target)])),
        ],
        SkippedInteractions = data.SkippedHistoryItems,
    };

    private static void RequireItems(SplitDataset data, string path)
    {
        if (data.ItemIds.FirstOrDefault(item => !data.Index!.TryGetRow(item, out _)) is { } missing)
        {
            throw new InvalidDataException($"Index file '{path}' lacks item '{missing}' of data set '{data.Name}'.");
        }
    }
}
