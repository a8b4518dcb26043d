namespace MiniOneRec.Recipes.Tests;

public sealed class RecipeDataTests
{
    public static TheoryData<RecipeData, string> Mistakes => new()
    {
        { new RecipeData(), "either Folder with Dataset, or Interactions" },
        { new RecipeData { Folder = "a", Dataset = "b", Interactions = "c" }, "either Folder with Dataset, or Interactions" },
        { new RecipeData { Interactions = "a", Dataset = "b" }, "go together" },
        { new RecipeData { Interactions = "a", Split = "given" }, "'time', 'leave-one-out'" },
        { new RecipeData { Folder = "a", Dataset = "b", Split = "random" }, "Split is 'random'" },
    };

    [Theory]
    [MemberData(nameof(Mistakes))]
    public async Task Load_OptionsThatDoNotFit_AreRefused(RecipeData data, string problem)
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() => data.LoadAsync());

        Assert.Contains(problem, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_Interactions_LeavesOneOutByDefault()
    {
        string path = Path.Combine(Path.GetTempPath(), Path.GetRandomFileName() + ".txt");
        await File.WriteAllTextAsync(path, "ann tent stove mat lamp\nbob tent stove lamp\n");
        try
        {
            var data = await new RecipeData { Interactions = path }.LoadAsync();

            Assert.Equal("leave-one-out", data.Split);
            Assert.Equal(["lamp", "lamp"], data.Test.Select(row => row.Target));
        }
        finally
        {
            File.Delete(path);
        }
    }
}
