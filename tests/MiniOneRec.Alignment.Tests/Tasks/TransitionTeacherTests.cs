using MiniOneRec.Alignment;

namespace MiniOneRec.Tests;

public sealed class TransitionTeacherTests
{
    private static readonly SemanticIdIndex Index = new(
        [new("a", new SemanticId(0, 0)), new("b", new SemanticId(0, 1)), new("c", new SemanticId(1, 0)), new("d", new SemanticId(1, 1))]);

    [Fact]
    public void Teach_CountsWhatFollowedElsewhere_ByLevel()
    {
        var teacher =
            new TransitionTeacher(new AlignmentData(Index, [Of("x", "a", "b"), Of("y", "a", "c"), Of("z", "a", "d"), Of("w", "a", "d")]));

        var guesses = teacher.Guess(["a", "d"]);
        var levels = teacher.ByLevel(guesses[1], Index["d"]);

        // After "a", without this sequence's own step: b 1, c 1, d 1 (of 2).
        Assert.Empty(guesses[0].Rows);
        var (codes, probabilities, confidence) = levels[0]!.Value;
        Assert.Equal([0, 1], codes);
        Assert.Equal([1f / 3, 2f / 3], probabilities);
        Assert.Equal(3f / 4, confidence);
        (codes, probabilities, confidence) = levels[1]!.Value;
        Assert.Equal([0, 1], codes);
        Assert.Equal([0.5f, 0.5f], probabilities);
        Assert.Equal(2f / 3, confidence);
    }

    [Fact]
    public void Teach_OfASequenceThatIsAlone_IsSilent()
    {
        var teacher = new TransitionTeacher(new AlignmentData(Index, [Of("x", "a", "b", "d")]));

        Assert.All(teacher.Guess(["a", "b", "d"]), guesses => Assert.Empty(guesses.Rows));
    }

    [Fact]
    public void Teach_OfAWindowOfASequenceThatIsAlone_IsSilent()
    {
        var data = new AlignmentData(Index, [Of("x", "a", "b", "c", "d")]);
        var task = new NextItemTask { TeacherShare = 0.5, MaxItems = 2 };
        var template = MiniOneRec.Modeling.CompactTemplate.For(Index);

        var samples = Enumerable.Range(0, 20).SelectMany(epoch => task.CreateSamples(new TaskContext(data, template, new Random(epoch))));

        // What the user took before and after the window is the user's own as well.
        Assert.All(samples, sample => Assert.Empty(sample.SoftLabels));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Guess_OfDenseData_IsThePlainSum(bool usersComeBack)
    {
        var random = new Random(3);
        string[] items = [.. Enumerable.Range(0, 90).Select(i => $"i{i}")];
        var index = new SemanticIdIndex(
            items.Select((item, i) => new KeyValuePair<string, SemanticId>(item, new SemanticId(i % 9, i / 9))));
        UserSequence[] sequences = [.. Enumerable.Range(0, 30).Select(u => Of($"u{u}", [.. random.GetItems(items, 40).Distinct()])),
            .. usersComeBack ? [Of("again", [.. random.GetItems(items, 40)])] : Array.Empty<UserSequence>()];
        string[] asked = [.. sequences[^1].ItemIds];
        var others = new Dictionary<(string From, string To), float>();
        foreach (var sequence in sequences[..^1])
        {
            for (int a = 0; a < sequence.ItemIds.Count; a++)
            {
                for (int b = 0; b < sequence.ItemIds.Count; b++)
                {
                    var pair = (sequence.ItemIds[a], sequence.ItemIds[b]);
                    others[pair] = others.GetValueOrDefault(pair) + (a == b ? 0 : a < b ? 1f / (b - a) : 0.5f / (a - b));
                }
            }
        }

        var guesses = new TransitionTeacher(new AlignmentData(index, sequences)).Guess(asked);

        for (int position = 1; position < asked.Length; position++)
        {
            var sums = new Dictionary<string, float>();
            for (int back = 1; back <= Math.Min(8, position); back++)
            {
                foreach (string to in items)
                {
                    sums[to] = sums.GetValueOrDefault(to)
                        + MathF.Pow(0.5f, back - 1) * others.GetValueOrDefault((asked[position - back], to));
                }
            }

            var expected = sums.Where(pair => pair.Value > 1e-5f && (usersComeBack || !asked.Take(position).Contains(pair.Key)))
                .OrderByDescending(pair => pair.Value).Take(60).ToArray();
            Assert.Equal(expected.Length, guesses[position].Rows.Length);
            foreach (var (pair, score) in expected.Zip(guesses[position].Scores))
            {
                Assert.Equal(pair.Value, score, 1e-3f);
            }

            foreach (var (row, score) in guesses[position].Rows.Zip(guesses[position].Scores))
            {
                Assert.Equal(sums[index.Items[row]], score, 1e-3f);
            }
        }
    }

    [Fact]
    public void Guesses_HoldTheHistory_OnlyWhereUsersComeBack()
    {
        UserSequence[] once = [Of("x", "a", "b", "c"), Of("y", "a", "b", "d")];

        // After "a" and "b", others say: d, and against the order of time a and b themselves.
        Assert.Equal(["d"], Names(once));
        Assert.Equal(["d", "a", "b"], Names([.. once, Of("z", "c", "c")]));

        static IEnumerable<string> Names(UserSequence[] sequences) =>
            new TransitionTeacher(new AlignmentData(Index, sequences)).Guess(["a", "b", "c"])[2].Rows.Select(row => Index.Items[row]);
    }

    [Fact]
    public void Branches_LeaveTheChain_AndTeachTheDeeperCodesOfDrawnItems()
    {
        var template = MiniOneRec.Modeling.CompactTemplate.For(Index);
        var data =
            new AlignmentData(Index, [Of("x", "a", "b"), Of("y", "a", "c"), Of("z", "a", "d"), Of("w", "a", "d"), Of("v", "a", "d")]);
        var task = new NextItemTask { TeacherShare = 0.5, TeacherBranches = 2 };
        var drawn = new Dictionary<string, int>();
        const int Epochs = 2_000;

        for (int epoch = 0; epoch < Epochs; epoch++)
        {
            var samples = task.CreateSamples(new TaskContext(data, template, new Random(epoch))).Where(sample => sample.Id == "x")
                .ToArray();

            Assert.All(samples, sample => Assert.Equal(samples.Length > 1 ? "x" : null, sample.Group));
            foreach (var branch in samples[1..])
            {
                Assert.Equal(samples[0].Tokens[..3], branch.Tokens[..3]);
                Assert.Equal([false, false, false, false, true], branch.Labels);
                var soft = Assert.Single(branch.SoftLabels);
                Assert.Equal(4, soft.Position);
                Assert.Equal(1, soft.Shares.Sum(), 6);
                string item = Index.Items[Enumerable.Range(0, Index.Count)
                    .Single(row => template.EncodeResponse(Index.SemanticIds[row]).AsSpan().SequenceEqual(branch.Tokens.AsSpan(3)))];
                drawn[item] = drawn.GetValueOrDefault(item) + 1;

                // Of c and d, which begin alike, one user took the first and three the other.
                Assert.Equal([0.25f, 0.75f], soft.Shares);
            }
        }

        // Four others went on from "a": 4 / (4 + 1) of the share, twice an epoch.
        double expected = 2 * Epochs * 0.5 * 0.8;
        Assert.Equal(["c", "d"], drawn.Keys.Order());
        Assert.InRange(drawn["c"], expected * 0.25 * 0.85, expected * 0.25 * 1.15);
        Assert.InRange(drawn["d"], expected * 0.75 * 0.95, expected * 0.75 * 1.05);
    }

    [Fact]
    public void Samples_CarryTheShares()
    {
        var template = MiniOneRec.Modeling.CompactTemplate.For(Index);
        var data = new AlignmentData(Index, [Of("x", "a", "b"), Of("y", "a", "c")]);

        var sample = new NextItemTask { TeacherShare = 0.5 }.CreateSamples(new TaskContext(data, template, new Random(1))).First();

        var label = Assert.Single(sample.SoftLabels);
        Assert.Equal(3, label.Position);
        Assert.Equal([template.Vocabulary.Token(0, 1)], label.Tokens);
        Assert.Equal([0.25f], label.Shares);
    }

    [Fact]
    public void Samples_OfLaterEpochs_EqualThoseOfATaskThatStartsThere()
    {
        var template = MiniOneRec.Modeling.CompactTemplate.For(Index);
        var data = new AlignmentData(Index, [Of("x", "a", "b", "c", "a", "d"), Of("y", "a", "c", "b", "d"), Of("z", "d", "a", "b", "c")]);
        var task = Task();

        for (int epoch = 0; epoch < 4; epoch++)
        {
            var again = task.CreateSamples(new TaskContext(data, template, new Random(epoch))).ToArray();
            var fresh = Task().CreateSamples(new TaskContext(data, template, new Random(epoch))).ToArray();

            Assert.Equal(fresh.Select(sample => sample.Tokens), again.Select(sample => sample.Tokens));
            Assert.Equal(Flat(fresh), Flat(again));
            Assert.NotEmpty(Flat(again));
        }

        static NextItemTask Task() => new() { TeacherShare = 0.5, WindowShare = 0.5 };

        static IEnumerable<(int, int, float)> Flat(IEnumerable<TokenSample> samples) =>
            samples.SelectMany(sample => sample.SoftLabels)
                .SelectMany(label => label.Tokens.Zip(label.Shares, (token, share) => (label.Position, token, share)));
    }

    private static UserSequence Of(string user, params string[] items) => new(user, items);
}
