using System.Text;

namespace MiniOneRec.Datasets.Tests;

public sealed class InterJsonReaderTests
{
    [Fact]
    public async Task Read_IntegersAndStrings_AreIds()
    {
        using var folder = new TempFolder();

        var sequences = await InterJsonReader.ReadAsync(
            folder.File("x.inter.json", "\uFEFF{\"0\": [0, 1],\n \"u\": [\"B01\", 7], \"e\": []}\n ")).ToListAsync();

        Assert.Equal(["0:0,1", "u:B01,7", "e:"], sequences.Select(s => $"{s.UserId}:{string.Join(',', s.ItemIds)}"));
    }

    [Fact]
    public async Task Read_LargeFile_ArrivesWholeAcrossBuffers()
    {
        using var folder = new TempFolder();
        var text = new StringBuilder("{");
        for (int user = 0; user < 3000; user++)
        {
            // Values of very different length, one of them longer than the first buffer.
            text.Append(user == 0 ? "" : ",\n")
                .Append(null, $"\"{user}\": [{string.Join(", ", Enumerable.Range(user, user == 1500 ? 30_000 : user % 40))}]");
        }

        var sequences = await InterJsonReader.ReadAsync(folder.File("x.json", text.Append('}').ToString())).ToListAsync();

        Assert.Equal(3000, sequences.Count);
        Assert.Equal(30_000, sequences[1500].ItemIds.Count);
        Assert.All(sequences.Index().Where(s => s.Item.ItemIds.Count > 0), s => Assert.Equal($"{s.Index}", s.Item.ItemIds[0]));
    }

    [Theory]
    [InlineData("", "is empty; expected a JSON object of user id to list of item ids")]
    [InlineData("{}", "holds an empty object")]
    [InlineData("[1]", "line 1: the file starts with StartArray; expected a JSON object")]
    [InlineData("{\"0\": [1],\n\"1\": {}}", "line 2, column '1': Object '{}'; expected a list of item ids")]
    [InlineData("{\"0\": [1],\n\"1\": [1.5]}", "line 2, column '1': '1.5' is no item id; expected an integer or a string")]
    [InlineData("{\"0\": [1],\n\"1\": [null]}", "line 2, column '1': 'null' is no item id")]
    [InlineData("{\"0\": [1],\n\n\"0\": [2]}", "line 3, column '0': the key was already on line 1")]
    [InlineData("{\"0\": [1],\n\"1\": [2\n", "expected a JSON object of user id to list of item ids")]
    [InlineData("{\"0\": [1]}\n{\"1\": [2]}", "line 2")]
    [InlineData("{\"0\": [1],\n\"1\" [2]}", "line 2: expected a JSON object")]
    public async Task Read_BadFile_NamesFileLineAndKey(string text, string expected)
    {
        using var folder = new TempFolder();
        string path = folder.File("x.inter.json", text);

        var error = await Assert.ThrowsAsync<InvalidDataException>(async () => await InterJsonReader.ReadAsync(path).ToListAsync());

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }
}
