using System.Text;
using MiniOneRec.Alignment;

namespace MiniOneRec.Tests;

public sealed class UserPreferenceTests
{
    private const string Whole = """{"user":"u","split":"train","user_preference":"likes tea","context":{"history_items":["a",2],"target_item":"c"}}""";

    [Theory]
    [InlineData("likes tea", """likes \ud83d""", "likes \uFFFD")]
    [InlineData("\"user\":\"u\"", """ "user":"u","\ud83d":1""", "likes tea")]
    public async Task LoadAsync_HalfASurrogatePair_IsReadAsReplacementCharacter(string part, string broken, string expected)
    {
        var preference = Assert.Single(await LoadAsync(Whole.Replace(part, broken, StringComparison.Ordinal)));

        Assert.Equal(("u", expected, "c"), (preference.UserId, preference.Text, preference.Target));
        Assert.Equal(["a", "2"], preference.History);
    }

    [Theory]
    [InlineData("\"train\"", "5", "'split'")]
    [InlineData("\"user\":\"u\"", "\"user\":{}", "'user'")]
    [InlineData("\"user\":\"u\"", "\"user\":null", "'user'")]
    [InlineData("\"a\"", "null", "'context.history_items'")]
    [InlineData("\"a\"", "[]", "'context.history_items'")]
    [InlineData("[\"a\",2]", "7", "'context.history_items'")]
    public async Task LoadAsync_WrongKind_NamesFileRecordAndKey(string part, string wrong, string key)
    {
        var error = await Assert.ThrowsAsync<InvalidDataException>(() =>
            LoadAsync(Whole + "\n" + Whole.Replace(part, wrong, StringComparison.Ordinal)));

        Assert.Contains("preferences.json', record 2", error.Message, StringComparison.Ordinal);
        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    private static async Task<IReadOnlyList<UserPreference>> LoadAsync(string json)
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["preferences.json"], json, Encoding.UTF8);
        return await UserPreference.LoadAsync(folder["preferences.json"]);
    }
}
