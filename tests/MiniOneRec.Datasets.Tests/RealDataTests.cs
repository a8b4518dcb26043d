using System.Text.Json;

namespace MiniOneRec.Datasets.Tests;

/// <summary>The counts that are known of the real data sets.</summary>
public sealed class RealDataTests
{
    private const string Industrial = "Industrial_and_Scientific", Office = "Office_Products";

    [SkippableTheory]
    [InlineData(Industrial, 3686, 3670, 14, 1, new[] { 48, 256, 256 }, 40.7, new[] { 48, 2295, 3670 }, 95, 47, 1609)]
    [InlineData(Office, 3459, 3444, 15, 0, new[] { 88, 256, 256 }, 70.8, new[] { 88, 2488, 3444 }, 66, 12, 1907)]
    public async Task Index_Counts(
        string name, int items, int distinct, int sharedByTwo, int sharedByThree, int[] codes, double perplexity, int[] nodes, int fanOut1,
        int fanOut2, int singles)
    {
        var index = await SemanticIdIndex.LoadAsync(Path.Combine(TestData.Data("Amazon"), "index", $"{name}.index.json"),
            requireUniformDepth: true);

        var distinctIds = index.SemanticIds.Distinct().ToArray();
        var second = distinctIds.GroupBy(id => (id[0], id[1])).ToArray();
        double entropy = index.SemanticIds.CountBy(id => id[0]).Select(pair => pair.Value / (double)index.Count)
            .Sum(share => -share * Math.Log(share));

        Assert.Equal((items, distinct), (index.Count, index.DistinctCount));
        Assert.Equal(Enumerable.Range(0, items).Select(i => $"{i}"), index.Items);
        Assert.Equal((sharedByTwo, sharedByThree),
            (distinctIds.Count(id => index.RowsOf(id).Count == 2), distinctIds.Count(id => index.RowsOf(id).Count == 3)));
        Assert.Equal(0.00434, 1 - (index.DistinctCount / (double)index.Count), 5e-6);
        Assert.Equal(codes, Enumerable.Range(0, 3).Select(level => distinctIds.Select(id => id[level]).Distinct().Count()));
        Assert.Equal(perplexity, Math.Exp(entropy), 0.05);
        Assert.Equal(nodes, new[] { distinctIds.Select(id => id[0]).Distinct().Count(), second.Length, distinctIds.Length });
        Assert.Equal(fanOut1, second.CountBy(group => group.Key.Item1).Max(pair => pair.Value));
        Assert.Equal((fanOut2, singles), (second.Max(group => group.Count()), second.Count(group => group.Count() == 1)));
    }

    [SkippableTheory]
    [InlineData(Industrial, 3686, 3457, 3, 10393, 4532, 4533, 4.96, 122, 317, 2625)]
    [InlineData(Office, 3459, 3235, 5, 9484, 4866, 4866, 4.97, 76, 84, 2413)]
    public async Task Reference_Counts(
        string name, int items, int printedLists, int blankLists, int train, int validation, int test, double meanHistory, int repeats,
        int ambiguous, int trainUsers)
    {
        var data = await ReferenceDataset.LoadAsync(TestData.Data("Amazon"), name);

        string[] descriptions = [.. JsonElement.Parse(await File.ReadAllTextAsync(ReferenceFiles.Find(TestData.Data("Amazon"), name).Items))
            .EnumerateObject().Select(item => item.Value.GetProperty("description").GetString()!)];

        Assert.Equal(items, data.Items.Count);
        Assert.Equal(printedLists, descriptions.Count(text => text.StartsWith('[') && text.EndsWith(']')));
        Assert.Equal(items - printedLists, descriptions.Count(text => text.Length == 0));
        Assert.Equal(printedLists - blankLists, data.Items.Count(item => item.Description is not null));
        Assert.DoesNotContain(data.Items, item => item.Description?.StartsWith("['", StringComparison.Ordinal) == true);
        Assert.Equal((train, validation, test), (data.Train.Count, data.Validation.Count, data.Test.Count));
        Assert.Equal(meanHistory, data.Test.Average(row => row.History.Count), 0.005);
        Assert.Equal(repeats, data.Test.Count(row => row.History[^1] == row.Target));
        Assert.Equal(ambiguous, data.Test.Count(row => data.Index!.RowsOf(data.Index[row.Target]).Count > 1));
        Assert.Equal(0, data.SkippedHistoryItems);

        // Every user's training rows are the prefixes of one sequence, so nothing is lost and nothing is added.
        Assert.Equal(trainUsers, data.TrainSequences.Count);
        Assert.Equal(train + trainUsers, data.TrainSequences.Sum(sequence => sequence.ItemIds.Count));
        Assert.Equal(
            data.Train.Select(row => (row.UserId, string.Join(' ', row.History), row.Target)),
            SlidingWindow.Expand(data.TrainSequences).Select(row => (row.UserId, string.Join(' ', row.History), row.Target)));
    }

    [SkippableTheory]
    [InlineData(Industrial, 248)]
    [InlineData(Office, 1449)]
    public async Task Csv_EveryListCell_RoundTripsAndAgreesWithIndexAndTitles(string name, int rowsWithDoubleQuotes)
    {
        var files = ReferenceFiles.Find(TestData.Data("Amazon"), name);
        var index = await SemanticIdIndex.LoadAsync(files.Index);
        var titles = await InfoFileReader.ReadAsync(files.Info!).ToDictionaryAsync(row => row.ItemId, row => row.Title);
        Assert.Equal(titles, await ItemJsonReader.ReadAsync(files.Items).ToDictionaryAsync(item => item.Id, item => item.Title));
        int doubleQuotes = 0;
        foreach (string path in (string[])[files.Train, files.Validation, files.Test])
        {
            var raw = await CsvReader.ReadAsync(path, "rows").Skip(1).ToListAsync();
            var rows = await ReferenceCsvReader.ReadAsync(path).ToListAsync();
            Assert.Equal(raw.Count, rows.Count);
            foreach (var (record, row) in raw.Zip(rows))
            {
                bool roundTrips = record.Cells[1] == PythonText.Print(row.HistoryTitles)
                    && record.Cells[3] == PythonText.PrintIds(row.HistoryItemIds)
                    && record.Cells[5] == PythonText.Print(row.HistorySemanticIds.Select(id => id.ToString()));
                bool agrees = row.HistoryItemIds.Select(id => index[id]).SequenceEqual(row.HistorySemanticIds)
                    && row.HistoryItemIds.Select(id => titles[id]).SequenceEqual(row.HistoryTitles)
                    && index[row.ItemId] == row.SemanticId && titles[row.ItemId] == row.Title;
                Assert.True(roundTrips && agrees, $"{path}, line {record.Line}: round trip {roundTrips}, agreement {agrees}");
                doubleQuotes += path != files.Train && row.HistoryTitles.Any(title => title.Contains('\'') && !title.Contains('"')) ? 1 : 0;
            }
        }

        Assert.Equal(rowsWithDoubleQuotes, doubleQuotes);
    }

    [SkippableFact]
    public async Task Beauty_Counts()
    {
        string folder = TestData.Data("Beauty");

        var data = await InteractionDataset.LoadAsync(Path.Combine(folder, "Beauty.inter.json"), Path.Combine(folder, "Beauty.index.json"));
        var split = new LeaveOneOutSplit().Split(data);

        Assert.Equal(("Beauty", 12_101, 22_363), (data.Name, data.Items.Count, data.Sequences.Count));
        Assert.Equal(198_502, data.Sequences.Sum(sequence => sequence.ItemIds.Count));
        Assert.Equal((12_088, 4), (data.Index!.DistinctCount, data.Index.Depth));
        Assert.Equal(0, data.SkippedInteractions);
        Assert.Same(data.Sequences, new KCoreFilter(5, 5).Apply(data.Sequences));
        Assert.Equal((22_363, 22_363), (split.Validation.Count, split.Test.Count));
        Assert.Equal(198_502 - (2 * 22_363), split.TrainSequences.Sum(sequence => sequence.ItemIds.Count));
    }
}
