using MiniOneRec.IntegrationTests.Snippets;

namespace MiniOneRec.IntegrationTests;

/// <summary>A template and a backbone of an application, written against the packages' public surface.</summary>
public sealed class OwnPartsTests
{
    [Fact]
    public async Task Snippet_RegistersSavesAndLoads()
    {
        string folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
        try
        {
            var index = new SemanticIdIndex([new("a", new(0, 1)), new("b", new(1, 0)), new("c", new(1, 1))]);
            await OwnParts.SaveAsync(index, Path.Combine(folder, "model"));

            Assert.Equal("last-items ScaledDecoder", await OwnParts.LoadAsync(Path.Combine(folder, "model")));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }
}
