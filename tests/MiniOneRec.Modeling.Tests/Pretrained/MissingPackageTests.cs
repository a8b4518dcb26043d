using System.Text.Json.Nodes;

namespace MiniOneRec.Modeling.Tests.Pretrained;

/// <summary>These tests do not reference MiniOneRec.Pretrained: what needs it says so.</summary>
public sealed class MissingPackageTests
{
    private const string Advice = "Reference it: dotnet add package MiniOneRec.Pretrained.";
    private static readonly SemanticIdIndex Index = new([new("a", new(0, 1)), new("b", new(1, 0))]);

    [Theory]
    [InlineData("alpaca")]
    [InlineData("chat")]
    public async Task LoadAsync_TemplateOfThePackage_NamesThePackage(string template)
    {
        using var folder = new TemporaryFolder();
        using (var made = await new GenerativeRecommenderFactory(new ModelingOptions { HiddenSize = 16 }).CreateAsync(Index))
        {
            await made.SaveAsync(folder["model"]);
        }

        // The manifest holds the hashes of the other files, not its own.
        string manifest = Directory.GetFiles(folder["model"], "minionerec.json", SearchOption.AllDirectories).Single();
        var json = JsonNode.Parse(await File.ReadAllTextAsync(manifest))!;
        json["options"]!["template"]!["name"] = template;
        await File.WriteAllTextAsync(manifest, json.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => GenerativeRecommender.LoadAsync(folder["model"]));

        Assert.Contains($"was saved with the template '{template}', which comes with the package MiniOneRec.Pretrained", error.Message,
            StringComparison.Ordinal);
        Assert.Contains(folder["model"], error.Message, StringComparison.Ordinal);
        Assert.EndsWith(Advice, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task CreateAsync_PretrainedPath_NamesThePackage()
    {
        var factory = new GenerativeRecommenderFactory(new ModelingOptions { PretrainedPath = "models/small" });

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => factory.CreateAsync(Index));

        Assert.Contains("PretrainedPath is 'models/small'", error.Message, StringComparison.Ordinal);
        Assert.EndsWith(Advice, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Knows_TemplatesOfThePackage_AreNotKnown() =>
        Assert.All(["alpaca", "chat"], name => Assert.False(new PromptTemplateRegistry().Knows(name)));
}
