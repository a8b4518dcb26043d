using System.Text.Json;
using MiniOneRec.Datasets;

namespace MiniOneRec.Tests;

/// <summary>What the reference system's own script made of the raw files in <c>Fixtures/amazon-raw</c>.</summary>
internal static class AmazonRawGolden
{
    /// <summary>Gets the folder.</summary>
    public static string Folder => TestData.Fixture("amazon-raw");

    /// <summary>A raw file, plain or packed.</summary>
    public static string Raw(string name, bool packed) => Path.Combine(Folder, "raw", name + (packed ? ".gz" : ""));

    /// <summary>Requires users, items, their order, sequences, titles and the rows of all three parts to be those recorded.</summary>
    public static void AssertEqual(IReadOnlyList<UserSequence> sequences, SplitDataset split)
    {
        string[] users = Ids("Toolbox.user2id"), items = Ids("Toolbox.item2id");
        Assert.Equal(users, sequences.Select(sequence => sequence.UserId));
        Assert.Equal(items, split.ItemIds);

        using var histories = Json("Toolbox.inter.json");
        var expected = histories.RootElement.EnumerateObject()
            .Select(user => string.Join(' ', user.Value.EnumerateArray().Select(item => items[item.GetInt32()])));
        Assert.Equal(expected, sequences.Select(sequence => string.Join(' ', sequence.ItemIds)));

        using var texts = Json("Toolbox.item.json");
        Assert.Equal(texts.RootElement.EnumerateObject().Select(item => item.Value.GetProperty("title").GetString()),
            split.Items.Select(item => item.Title));

        Assert.Equal(Rows("train", users, items), split.Train.Select(Show));
        Assert.Equal(Rows("valid", users, items), split.Validation.Select(Show));
        Assert.Equal(Rows("test", users, items), split.Test.Select(Show));
    }

    /// <summary>The lines of a recorded part with original ids.</summary>
    public static string[] Rows(string part) => Rows(part, Ids("Toolbox.user2id"), Ids("Toolbox.item2id"));

    private static string[] Rows(string part, string[] users, string[] items) =>
    [
        .. File.ReadLines(Path.Combine(Folder, "expected", $"Toolbox.{part}.inter")).Skip(1).Select(line => line.Split('\t'))
            .Select(cells => string.Join(
                '\t', users[Number(cells[0])], string.Join(' ', cells[1].Split(' ').Select(item => items[Number(item)])),
                items[Number(cells[2])])),
    ];

    private static int Number(string text) => int.Parse(text, System.Globalization.CultureInfo.InvariantCulture);

    private static string Show(NextItemExample row) => $"{row.UserId}\t{string.Join(' ', row.History)}\t{row.Target}";

    private static string[] Ids(string name) =>
        [.. File.ReadLines(Path.Combine(Folder, "expected", name)).Select(line => line.Split('\t')).OrderBy(cells => Number(cells[1]))
            .Select(cells => cells[0])];

    private static JsonDocument Json(string name) => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Folder, "expected", name)));
}
