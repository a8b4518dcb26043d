using System.Text;

namespace MiniOneRec.Abstractions.Tests;

public sealed class FileHeadTests
{
    [Theory]
    [InlineData("""{"a":["<a_1>"],"b":["<a_2>"]}""", true)]
    [InlineData("""{}""", true)]
    [InlineData("""{"a":["<a_1>"],"b":["<a""", true)]
    [InlineData("""{"a":["<a_1>"],"b":3}""", false)]
    [InlineData("""{"dataset":"x"}""", false)]
    [InlineData("""{"a":{"b":[]}}""", false)]
    [InlineData("""[["<a_1>"]]""", false)]
    [InlineData("""notes""", false)]
    public void HasOnlyArrays_TellsAnIndexFromOtherFiles(string text, bool expected) =>
        Assert.Equal(expected, FileHead.HasOnlyArrays(Encoding.UTF8.GetBytes(text)));

    [Theory]
    [InlineData("""{"dataset":"x"}""", true)]
    [InlineData("""{"split":{"dataset":1},"Dataset":"x"}""", true)]
    [InlineData("""{"split":{"dataset":1}}""", false)]
    [InlineData("""{"a":["dataset"]}""", false)]
    [InlineData("""["dataset"]""", false)]
    [InlineData("""dataset""", false)]
    public void HasKey_LooksAtTheTopLevel(string text, bool expected) =>
        Assert.Equal(expected, FileHead.HasKey(Encoding.UTF8.GetBytes(text), "dataset"));

    [Fact]
    public async Task SaveIndex_OverAnotherFile_IsRefusedUnlessAskedFor()
    {
        var index = new SemanticIdIndex([KeyValuePair.Create("a", new SemanticId([0, 1]))], [2, 2]);
        string path = Path.GetTempFileName();
        try
        {
            await index.SaveAsync(path);
            await index.SaveAsync(path);
            await File.WriteAllTextAsync(path, """{"name":"package.json of somebody"}""");

            await Assert.ThrowsAsync<IOException>(() => index.SaveAsync(path));

            Assert.Equal("""{"name":"package.json of somebody"}""", await File.ReadAllTextAsync(path));
            await index.SaveAsync(path, overwrite: true);
            Assert.Equal(index.Fingerprint, (await SemanticIdIndex.LoadAsync(path, [2, 2])).Fingerprint);
        }
        finally
        {
            File.Delete(path);
        }
    }
}
