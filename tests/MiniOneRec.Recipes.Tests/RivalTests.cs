using MiniOneRec.Datasets;

namespace MiniOneRec.Recipes.Tests;

public sealed class RivalTests : IDisposable
{
    private static readonly string[] Rivals = ["gru4rec", "caser", "sasrec", "hstu", "tiger", "lc-rec", "bigrec", "d3", "s-dpo"];

    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-rivals-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public async Task Run_EveryRival_IsInTheReport()
    {
        var data = Data(users: 30);
        var preset = RecipePreset.Named("smoke") with { BeamWidth = 10, GrpoSteps = 1, HiddenSize = 16, Heads = 2, Layers = 1 };
        var options = new RecipeOptions
        {
            Preset = preset, Baselines = Rivals, SkipReinforcement = true, Output = _folder, MaxTestRows = 5,
        };

        using var result = await new Recipe(options).RunAsync(data);

        var models = result.Report.Models;
        Assert.Equal(Rivals, models.Select(model => model.Name).Take(Rivals.Length));
        Assert.All(models.Take(Rivals.Length), model => Assert.True(model.Parameters > 0 && model.Seconds > 0, model.Name));
    }

    [Fact]
    public async Task Run_RivalsWithoutTitles_AreRefusedBeforeAnyWork()
    {
        var data = Data(users: 10);
        data = data with { Items = [.. data.Items.Select(item => new Item { Id = item.Id })] };
        var options = new RecipeOptions { Baselines = ["sasrec", "d3", "lc-rec"], Output = Path.Combine(_folder, "none") };

        var error = await Assert.ThrowsAsync<ArgumentException>(() => new Recipe(options).RunAsync(data));

        Assert.Contains("d3, lc-rec need titles", error.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(options.Output));
    }

    [Fact]
    public void Options_Baselines_DefaultIsCheapAndAllAreNamed()
    {
        Assert.Equal(RecipeOptions.DefaultBaselines, new RecipeOptions().Baselines);
        Assert.All(Rivals, name => Assert.Contains(name, RecipeOptions.AllBaselines));
        Assert.Equal(RecipeOptions.AllBaselines.Count, RecipeOptions.AllBaselines.Distinct().Count());
        Assert.DoesNotContain("d3", RecipeOptions.DefaultBaselines);
    }

    private static SplitDataset Data(int users)
    {
        var data = new LeaveOneOutSplit(10).Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = users }));
        var ids = data.ItemIds.Select((item, row) => KeyValuePair.Create(item, new SemanticId(row / 20, row % 20)));
        return data with { Index = new SemanticIdIndex(ids, [data.Items.Count / 20 + 1, 20]) };
    }
}
