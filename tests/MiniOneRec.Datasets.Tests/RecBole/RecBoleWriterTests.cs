namespace MiniOneRec.Datasets.Tests;

public sealed class RecBoleWriterTests
{
    [Fact]
    public async Task Write_ReadBack_GivesTheSameRowsAndItems()
    {
        using var folder = new TempFolder();
        var split = new LeaveOneOutSplit().Split(Data("a", "b", "c"));

        await RecBoleWriter.WriteAsync(split, folder.Path);

        string File(string part) => Path.Combine(folder.Path, part);
        Assert.Equal("user_id:token\titem_id_list:token_seq\titem_id:token\nu\ta b\tc\n",
            await System.IO.File.ReadAllTextAsync(File("toy.test.inter")));
        Assert.Equal(split.Validation.Select(row => row.Target),
            await InterFileReader.ReadAsync(File("toy.valid.inter")).Select(row => row.Target).ToListAsync());
        var items = await ItemFileReader.ReadAsync(File("toy.item")).ToListAsync();
        Assert.Equal(["Tent  a", "Tent  b", "Tent  c"], items.Select(item => item.Title));      // the tab became a space
        Assert.Equal(["Camping", "Tents"], items[0].Categories);
    }

    [Theory]
    [InlineData("a b")]
    [InlineData("")]
    [InlineData("a\tb")]
    public async Task Write_IdThatTheFormatCannotHold_IsRefusedAndLeavesNoFile(string id)
    {
        using var folder = new TempFolder();
        var split = new LeaveOneOutSplit().Split(Data(id, "b"));

        var e = await Assert.ThrowsAsync<ArgumentException>(() => RecBoleWriter.WriteAsync(split, folder.Path));

        Assert.Contains($"'{id}'", e.Message);
        Assert.Empty(Directory.EnumerateFiles(folder.Path));
    }

    private static InteractionDataset Data(params string[] items) => new()
    {
        Name = "toy",
        Items = [.. items.Select(id => new Item { Id = id, Title = $"Tent\t {id}", Categories = ["Camping", "Tents"] })],
        Sequences = [new UserSequence("u", items)],
    };
}
