using MiniOneRec.Alignment;

namespace MiniOneRec.Tests;

public sealed class TransitionTeacherTests
{
    private static readonly SemanticIdIndex Index = new(
        [new("a", new SemanticId(0, 0)), new("b", new SemanticId(0, 1)), new("c", new SemanticId(1, 0)), new("d", new SemanticId(1, 1))]);

    [Fact]
    public void Teach_CountsWhatFollowedElsewhere_ByLevel()
    {
        var teacher = new TransitionTeacher(new AlignmentData(Index, [Of("x", "a", "b"), Of("y", "a", "c"), Of("z", "a", "d"), Of("w", "a", "d")]));

        var lessons = teacher.Teach(["a", "d"]);

        // After "a", without this sequence's own step: b 1, c 1, d 1 (of 2).
        Assert.All(lessons[0], lesson => Assert.Null(lesson));
        var (codes, probabilities, confidence) = lessons[1][0]!.Value;
        Assert.Equal([0, 1], codes);
        Assert.Equal([1f / 3, 2f / 3], probabilities);
        Assert.Equal(3f / 4, confidence);
        (codes, probabilities, confidence) = lessons[1][1]!.Value;
        Assert.Equal([0, 1], codes);
        Assert.Equal([0.5f, 0.5f], probabilities);
        Assert.Equal(2f / 3, confidence);
    }

    [Fact]
    public void Teach_OfASequenceThatIsAlone_IsSilent()
    {
        var teacher = new TransitionTeacher(new AlignmentData(Index, [Of("x", "a", "b", "d")]));

        Assert.All(teacher.Teach(["a", "b", "d"]), levels => Assert.All(levels, lesson => Assert.Null(lesson)));
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
            samples.SelectMany(sample => sample.SoftLabels).SelectMany(label => label.Tokens.Zip(label.Shares, (token, share) => (label.Position, token, share)));
    }

    private static UserSequence Of(string user, params string[] items) => new(user, items);
}
