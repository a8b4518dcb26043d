using MiniOneRec.Datasets;

namespace MiniOneRec.Recipes.Tests;

/// <summary>The program of the package's README.</summary>
public sealed class ReadmeTests
{
    [Fact]
    public async Task Program_Runs()
    {
        string output = Directory.CreateTempSubdirectory("minionerec-recipe-").FullName;
        try
        {
            NativeTuning.Apply();
            var data = new LeaveOneOutSplit(RecipePreset.MaxHistory).Split(DemoCatalogue.Create(new DemoCatalogueOptions { Users = 200 }));
            var options = new RecipeOptions
            {
                Preset = RecipePreset.Named("smoke"), Retokenize = true, Budget = TimeSpan.FromSeconds(20), Output = output,
            };

            using var result = await new Recipe(options).RunAsync(data);
            Console.WriteLine(result.Report.ToMarkdown());
            var next = await result.Recommender.RecommendAsync(["espresso-1a"], count: 3);

            Assert.Equal(3, next.Items.Count);
            var saved = await SemanticIdIndex.LoadAsync(Path.Combine(output, "index", $"{data.Name}.index.json"));
            Assert.All(data.ItemIds, item => Assert.Equal(saved[item], result.Index[item]));
            Assert.True(File.Exists(Path.Combine(output, "embeddings.npy")));
            Assert.Equal(10, result.Report.Models.Count);
        }
        finally
        {
            Directory.Delete(output, recursive: true);
        }
    }
}
