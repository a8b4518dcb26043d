using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

public sealed class NextItemTaskTests
{
    private static readonly SemanticIdIndex Index = Toy.Index();
    private static readonly CompactTemplate Template = CompactTemplate.For(Index);

    [Fact]
    public void Sequence_IsOneChain_WithALabelOnEveryCode()
    {
        var sample = Assert.Single(Create(new NextItemTask(), ["0", "5", "10"]));

        Assert.Equal([1, .. Codes("0"), .. Codes("5"), .. Codes("10")], sample.Tokens);
        Assert.Equal([false, .. Enumerable.Repeat(true, 9)], sample.Labels);
    }

    [Fact]
    public void Sequence_OfAnotherTemplate_IsATreeOfItsRows()
    {
        var template = new CompactTemplate(Index.LevelSizes, writesEnd: true);
        var context = new TaskContext(new AlignmentData(Index, [new UserSequence("u", ["0", "5", "10"])]), template, new Random(1));

        var tree = Assert.Single(SampleTree.Group([.. new NextItemTask().CreateSamples(context)]));

        // One pass of 1 + 3·3 codes, in place of rows with 1+3+4 and 1+6+4 tokens; the end after each target is only predicted.
        Assert.Equal(2, tree.Members.Count);
        Assert.Equal(1 + 3 * 3, tree.TokenCount);
        Assert.Equal(2 * 4, tree.Targets.Length);
    }

    [Theory]
    [InlineData(HistoryOrder.OldestFirst, new[] { "5", "10" })]
    [InlineData(HistoryOrder.NewestFirst, new[] { "10", "5" })]
    public void Rows_KeepTheLastItems_InTheTemplatesOrder(HistoryOrder order, string[] expected)
    {
        var template = new CompactTemplate(Index.LevelSizes, order: order);
        var context = new TaskContext(new AlignmentData(Index, [new UserSequence("u", ["0", "5", "10", "15"])]), template, new Random(1));

        var sample = new NextItemTask { Mode = NextItemMode.Row, MaxHistory = 2 }.CreateSamples(context).Last();

        Assert.Equal([1, .. expected.SelectMany(Codes), .. Codes("15")], sample.Tokens);
        Assert.Equal(3, sample.LabelCount);
        Assert.Equal("u:15", sample.Id);
    }

    [Fact]
    public void Windows_AreRunsOfTheSequence_OfEveryLength()
    {
        string[] items = [.. Enumerable.Range(0, 8).Select(i => $"{i}")];
        var task = new NextItemTask { WindowShare = 0.5 };
        int[] whole = [.. items.SelectMany(Codes)];
        var lengths = new HashSet<int>();
        int full = 0;
        for (int epoch = 0; epoch < 200; epoch++)
        {
            int[] codes = Assert.Single(Create(task, items, epoch)).Tokens[1..];

            Assert.True(whole.AsSpan().IndexOf(codes) % 3 == 0, "a window begins at an item");
            lengths.Add(codes.Length / 3);
            full += codes.Length == whole.Length ? 1 : 0;
        }

        Assert.Equal(Enumerable.Range(2, 7), lengths.Order());
        Assert.InRange(full, 80, 150);
        Assert.True(task.VariesByEpoch);
    }

    [Fact]
    public void LongSequences_AreShownInWindowsOfTheLargestLength()
    {
        string[] items = [.. Enumerable.Range(0, 20).Select(i => $"{i}")];

        int[] starts = [.. Enumerable.Range(0, 40).Select(epoch =>
        {
            var sample = Assert.Single(Create(new NextItemTask { MaxItems = 6 }, items, epoch));
            Assert.Equal(1 + 6 * 3, sample.Tokens.Length);
            return items.SelectMany(Codes).ToArray().AsSpan().IndexOf(sample.Tokens.AsSpan(1)) / 3;
        })];

        Assert.True(starts.Distinct().Count() > 5);
    }

    [Fact]
    public void UnknownItems_AreSkippedAndCounted()
    {
        var context = new TaskContext(new AlignmentData(Index, [new UserSequence("u", ["?", "5"]), new UserSequence("v", ["0", "?"])]),
            Template, new Random(1));

        Assert.Empty(new NextItemTask { Mode = NextItemMode.Row }.CreateSamples(context));

        Assert.Equal(2, context.Skipped["no known item in the history, or an unknown target"]);
    }

    [Fact]
    public void EmptyPreferences_AreSkippedAndCounted()
    {
        UserPreference[] preferences =
            [new("u", ["0"], "5", ""), new("v", ["0"], "5", "Likes tools."), new("w", ["?"], "5", "Likes tools.")];
        foreach (var task in new IAlignmentTask[] { new PreferenceAndSidTask(preferences), new PreferenceToSidTask(preferences) })
        {
            var context = new TaskContext(new AlignmentData(Index, []), new RecordingTemplate(Template.Vocabulary), new Random(1));

            Assert.Equal("v:5", Assert.Single(task.CreateSamples(context)).Id);
            Assert.Equal(1, context.Skipped["no preference text"]);
            Assert.Equal(1, context.Skipped["no known item in the history, or an unknown target"]);
        }
    }

    [Fact]
    public void UntitledItems_AreLeftOutOfHistories_AndCounted()
    {
        var data = new AlignmentData(Index, [new UserSequence("u", ["0", "1", "2"])])
        {
            Items = [new Item { Id = "0", Title = "Saw" }, new Item { Id = "1" }, new Item { Id = "2", Title = "File" }],
        };
        var template = new RecordingTemplate(Template.Vocabulary);
        var context = new TaskContext(data, template, new Random(1));

        Assert.Equal(2, new TitlesToSidTask().CreateSamples(context).Count());

        Assert.Equal(["Saw"], template.Pairs[^1].Prompt.Texts);
        Assert.Equal(1, context.Skipped["an item without title in a history"]);
    }

    private static int[] Codes(string item) => [.. Template.Vocabulary.Encode(Index[item])];

    private static TokenSample[] Create(NextItemTask task, string[] items, int seed = 1) =>
        [.. task.CreateSamples(new TaskContext(new AlignmentData(Index, [new UserSequence("u", items)]), Template, new Random(seed)))];
}
