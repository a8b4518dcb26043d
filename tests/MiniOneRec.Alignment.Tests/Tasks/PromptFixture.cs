using System.Collections.Concurrent;
using System.Text.Json;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;

namespace MiniOneRec.Tests;

/// <summary>What the reference system wrote on real rows, and the template that must write the same.</summary>
internal static class PromptFixture
{
    public const string Industrial = "Industrial_and_Scientific";
    public const string Office = "Office_Products";
    private static readonly ConcurrentDictionary<string, Task<AlpacaTemplate>> Templates = [];
    private static readonly ConcurrentDictionary<string, Task<SplitDataset>> DataSets = [];

    public static IEnumerable<JsonElement> Lines(string file)
    {
        foreach (string line in File.ReadLines(Path.Combine(TestData.ForeignFixture("prompts"), file)))
        {
            using var json = JsonDocument.Parse(line);
            yield return json.RootElement.Clone();
        }
    }

    public static JsonElement Json(string file)
    {
        using var json = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestData.ForeignFixture("prompts"), file)));
        return json.RootElement.Clone();
    }

    public static Task<AlpacaTemplate> TemplateAsync(string dataSet) => Templates.GetOrAdd(dataSet, async name =>
    {
        var tokenizer = await TextTokenizer.LoadAsync(Path.Combine(TestData.ForeignFixture("tokenizer"), "tokenizer.json"));
        var added = Json("vocab.json").GetProperty("datasets").GetProperty(name).GetProperty("tokens").EnumerateArray()
            .Select(token => token.GetString()!);
        return new AlpacaTemplate(tokenizer.WithAddedTokens(added).WithEndToken("<|im_end|>"), [256, 256, 256]);
    });

    public static Task<SplitDataset> DataAsync(string dataSet) =>
        DataSets.GetOrAdd(dataSet, name => ReferenceDataset.LoadAsync(TestData.Data("Amazon"), name));

    public static int[] Ints(this JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetInt32())];

    public static string[] Texts(this JsonElement array) => [.. array.EnumerateArray().Select(value => value.GetString()!)];

    public static string Text(this JsonElement value, string key) => value.GetProperty(key).GetString()!;

    public static SemanticId[] Ids(this JsonElement array) => [.. array.Texts().Select(SemanticId.Parse)];
}
