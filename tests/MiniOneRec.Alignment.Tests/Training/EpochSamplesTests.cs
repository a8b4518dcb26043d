using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

public sealed class EpochSamplesTests
{
    private static readonly SemanticIdIndex Index = Toy.Index();
    private static readonly CompactTemplate Template = CompactTemplate.For(Index);

    [Theory]
    [InlineData(1, 400, 400)]
    [InlineData(2, 800, 800)]
    [InlineData(0.25, 60, 140)]
    [InlineData(1.5, 540, 660)]
    public void Weight_SaysHowOftenAnEpochShowsASample(double weight, int atLeast, int atMost)
    {
        var samples = Make(new Fixed("a", 400) { Weight = weight });

        var (trees, batches) = samples.Epoch(0);

        Assert.InRange(trees.Count, atLeast, atMost);
        Assert.Equal(Enumerable.Range(0, trees.Count), batches.SelectMany(batch => batch).Order());
        int shown = trees.Select(tree => tree.Members[0].Id).CountBy(id => id).Max(pair => pair.Value);
        Assert.True(shown <= Math.Ceiling(weight));
        if (weight % 1 != 0)
        {
            Assert.NotEqual(trees.Select(tree => tree.Members[0].Id), samples.Epoch(1).Trees.Select(tree => tree.Members[0].Id));
        }
    }

    [Fact]
    public void Epoch_IsTheSameForTheSameSeed_AndMixesTheTasks()
    {
        IAlignmentTask[] tasks = [new Fixed("a", 50) { Weight = 0.5 }, new Fixed("b", 50), new NextItemTask { WindowShare = 0.5 }];

        var (trees, batches) = Make(tasks).Epoch(3);
        var (again, batchesAgain) = Make(tasks).Epoch(3);

        Assert.Equal(trees.Select(tree => tree.Members[0].Id), again.Select(tree => tree.Members[0].Id));
        Assert.Equal(batches.SelectMany(batch => batch), batchesAgain.SelectMany(batch => batch));
        Assert.Contains(batches, batch => batch.Select(i => trees[i].Members[0].Task).Distinct().Count() > 1);
    }

    [Fact]
    public void TooLong_IsLeftOutAndCounted_OrAnError()
    {
        var task = new Fixed("a", 3, response: 9);
        var dropping = Make(new SftOptions { MaxTokens = 9 }, task);

        Assert.Empty(dropping.Epoch(0).Trees);
        Assert.Equal(3, dropping.Skipped["a: no room for the answer within 9 tokens"]);
        Assert.Equal(3, Make(new SftOptions { MaxTokens = 10 }, task).Epoch(0).Trees.Count);
        var error = Assert.Throws<ArgumentException>(() => Make(new SftOptions { MaxTokens = 9, RejectTooLong = true }, task).Epoch(0));
        Assert.Equal("Sample 'a0' of task 'a' has 9 answer tokens and no room for its prompt within 9 tokens.", error.Message);
    }

    [Fact]
    public void CutSamples_LeaveTheirGroup()
    {
        // Of histories that are too long the left end goes, and with it the beginning that a user's samples share.
        var template = new CompactTemplate(Index.LevelSizes, writesEnd: true);
        var data = new AlignmentData(Index, Toy.Users(users: 2, length: 8));
        var samples = new EpochSamples([new NextItemTask()], data, template, new SftOptions { MaxTokens = 14 });

        var (trees, _) = samples.Epoch(0);

        Assert.Equal(2 * 7, trees.Sum(tree => tree.Members.Count));
        Assert.Equal(2, trees.Count(tree => tree.Members.Count > 1));
        Assert.All(trees.SelectMany(tree => tree.Members), sample => Assert.True(sample.Tokens.Length <= 14));
    }

    [Fact]
    public void MalformedSamples_AreNamed()
    {
        string Error(TokenSample sample) => Assert.Throws<ArgumentException>(() => Make(new One(sample)).Epoch(0)).Message;

        Assert.Contains("Sample 'x' of task 'one' has 2 tokens and 3 marks",
            Error(new TokenSample([1, 2], [false, true, true], "one", "x")), StringComparison.Ordinal);
        Assert.Contains("0 of them set", Error(new TokenSample([1, 2], [false, false], "one", "x")), StringComparison.Ordinal);
        Assert.Contains("the first too", Error(TokenSample.Of([], [1, 2], "one", "x")), StringComparison.Ordinal);
        Assert.Contains("for task 'other', which is none of one", Error(TokenSample.Of([1], [2], "other", "x")), StringComparison.Ordinal);
    }

    private static EpochSamples Make(params IAlignmentTask[] tasks) => Make(new SftOptions { BatchSize = 16 }, tasks);

    private static EpochSamples Make(SftOptions options, params IAlignmentTask[] tasks) =>
        new(tasks, new AlignmentData(Index, Toy.Users()), Template, options);

    private sealed class Fixed(string name, int count, int response = 2) : IAlignmentTask
    {
        public string Name => name;

        public double Weight { get; init; } = 1;

        public IEnumerable<TokenSample> CreateSamples(TaskContext context) =>
            Enumerable.Range(0, count).Select(i => TokenSample.Of([1, 8], Enumerable.Repeat(9, response).ToArray(), name, $"{name}{i}"));
    }

    private sealed class One(TokenSample sample) : IAlignmentTask
    {
        public string Name => "one";

        public IEnumerable<TokenSample> CreateSamples(TaskContext context) => [sample];
    }
}
