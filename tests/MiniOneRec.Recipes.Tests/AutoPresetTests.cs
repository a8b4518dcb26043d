using MiniOneRec.Alignment;
using MiniOneRec.Datasets;

namespace MiniOneRec.Recipes.Tests;

public sealed class AutoPresetTests
{
    private static readonly RecipePreset Auto = RecipePreset.Named("auto");

    private static DataShape Shape(int users, double length, bool vectors = false, int levels = 3) => new()
    {
        Users = users, Items = users / 2 + 1, Interactions = (long)(users * length), VectorWidth = vectors ? 384 : 0, Levels = levels,
    };

    [Fact]
    public void For_FewInteractions_TakesTheSizesOfDefault()
    {
        var chosen = Auto.For(Shape(2_600, 5, vectors: true));

        Assert.Equal(RecipePreset.Named("default") with { Name = "auto", SftTime = TimeSpan.FromMinutes(30) }, chosen);
        Assert.Equal(20, chosen.Sft(1, withVectors: true).Epochs);
        Assert.Equal(TimeSpan.FromMinutes(30), chosen.Sft(1).MaxDuration);
    }

    [Fact]
    public void For_ManyShortHistories_TakesTheSizesOfSparse()
    {
        var chosen = Auto.For(Shape(22_000, 7, levels: 4), TimeSpan.FromHours(6));

        Assert.Equal(RecipePreset.Named("sparse") with { Name = "auto", SftTime = TimeSpan.FromHours(3) }, chosen);
    }

    [Theory]
    [InlineData(5_000, 60, 30 - 0.438)]                         // 2,501 items, 500 passes, 14,000 · 1.7 vectors a second: 52.5 s
    [InlineData(5_000, 2, 1 - 0.2)]                             // never more than its share of a fifth
    [InlineData(400_000, 60, 30 - 6)]
    public void For_ARunThatLearnsSemanticIds_PlansTheQuantizersTime(int users, double minutes, double training)
    {
        var shape = Shape(users, 5) with { LearnsSemanticIds = true };

        var chosen = Auto.For(shape, TimeSpan.FromMinutes(minutes), processors: 2);

        Assert.Equal(training, chosen.SftTime!.Value.TotalMinutes, 0.01);
    }

    [Fact]
    public void For_ManyLongHistories_TeachesNoFurtherBranches()
    {
        var chosen = Auto.For(Shape(6_000, 45), TimeSpan.FromHours(24));

        Assert.Equal((512, TrainingPrecision.BFloat16, 0, 0.4),
            (chosen.HiddenSize, chosen.Precision, chosen.TeacherBranches, chosen.TeacherShare));
    }

    [Theory]
    [InlineData(360, 512, 12)]
    [InlineData(60, 256, 20)]
    [InlineData(40, 128, 30)]
    [InlineData(0.1, 64, 30)]                                   // the clock ends it
    public void For_SmallerBudgets_Narrows(double minutes, int width, int epochs)
    {
        var chosen = Auto.For(Shape(22_000, 7, levels: 4), TimeSpan.FromMinutes(minutes), processors: 2);

        Assert.Equal((width, epochs), (chosen.HiddenSize, chosen.SftEpochs));
        Assert.Equal((32, 0.0, 1.0, 1), (chosen.BatchSize, chosen.LabelSmoothing, chosen.TeacherShare, chosen.TeacherBranches));
        Assert.Equal(0, chosen.HiddenSize % chosen.Heads);
    }

    [Theory]
    [InlineData(12_101, 1, 256)]                // 1,121 of 1,230 seconds
    [InlineData(12_101, 128, 128)]              // 1,286 seconds at width 256, 956 at 128
    [InlineData(50_000, 384, 256)]              // the head takes most of the time: a narrower decoder would not help
    [InlineData(50_001, 384, 128)]              // 8,192 items are drawn in place of all
    public void For_DenseHead_CountsItsTime(int items, int vectorWidth, int width)
    {
        var shape = new DataShape { Users = 22_363, Items = items, Interactions = 149_999, Levels = 4, VectorWidth = vectorWidth };

        var chosen = Auto.For(shape, TimeSpan.FromMinutes(41), processors: 2);

        Assert.Equal(width, chosen.HiddenSize);
    }

    [Fact]
    public void For_ValuesSetByHand_Stay()
    {
        var chosen = (Auto with { HiddenSize = 96, Heads = 3, SftEpochs = 7 }).For(Shape(100, 5));

        Assert.Equal((96, 3, 7, 20), (chosen.HiddenSize, chosen.Heads, chosen.SftEpochs, chosen.GrpoSteps));
        Assert.False(chosen.Automatic);
    }

    [Fact]
    public void For_OtherPresets_AreReturnedAsTheyAre()
    {
        var sparse = RecipePreset.Named("sparse");

        Assert.Same(sparse, sparse.For(Shape(10, 5)));
        Assert.Throws<ArgumentOutOfRangeException>(() => Auto.For(Shape(10, 5), TimeSpan.Zero));
        Assert.Throws<ArgumentOutOfRangeException>(() => Auto.For(Shape(10, 5), processors: 0));
    }

    [Fact]
    public void Of_CountsWhatTrainingSees()
    {
        string[] longOne = [.. Enumerable.Range(0, 60).Select(i => $"i{i % 6}")];
        var data = new SplitDataset
        {
            Name = "toy", Split = "given", Items = [.. Enumerable.Range(0, 6).Select(i => new Item { Id = $"i{i}" })],
            TrainSequences = [new UserSequence("ann", ["i0", "i1", "i0", "i2"]), new UserSequence("bob", longOne)],
            Train = [], Validation = [], Test = [],
        };

        var shape = DataShape.Of(data, levels: 4, vectorWidth: 8);

        Assert.Equal((2, 6, 4 + 51L, 4, true), (shape.Users, shape.Items, shape.Interactions, shape.Levels, shape.HasVectors));
        Assert.Equal(55 / 64.0, shape.RepeatShare, 1e-12);
        Assert.Equal(27.5, shape.MeanLength);
    }
}
