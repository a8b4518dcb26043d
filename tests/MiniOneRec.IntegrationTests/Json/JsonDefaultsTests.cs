using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MiniOneRec.IntegrationTests;

/// <summary>What JSON leaves out has its default, by reflection, by the library's compiled metadata and by an application's own.</summary>
public sealed partial class JsonDefaultsTests
{
    public static TheoryData<string> Resolvers => [.. All.Keys];

    private static Dictionary<string, JsonSerializerOptions> All { get; } = new()
    {
        ["reflection"] = Web(new DefaultJsonTypeInfoResolver()), ["library"] = Web(MiniOneRecJsonContext.Default),
            ["application"] = Web(OwnContext.Default),
    };

    [Theory]
    [MemberData(nameof(Resolvers))]
    public void Request_WithHistoryAlone_AsksForTenItems(string resolver)
    {
        var request = Read<RecommendationRequest>("""{"history":["a"]}""", resolver);

        Assert.Equal(["a"], request.History);
        Assert.Equal((10, null, null, null), (request.Count, request.ExcludedItems, request.ExcludeHistory, request.Deadline));
        Assert.Equal(3, Read<RecommendationRequest>("""{"count":"3","history":[]}""", resolver).Count);
        Assert.Throws<JsonException>(() => Read<RecommendationRequest>("""{"count":3}""", resolver));
    }

    [Theory]
    [MemberData(nameof(Resolvers))]
    public void TextsAndLists_LeftOutOrNull_AreEmpty(string resolver)
    {
        foreach (string json in new[] { """{"id":"a"}""", """{"id":"a","title":null,"categories":null}""" })
        {
            var item = Read<Item>(json, resolver);

            Assert.Equal("", item.Title);
            Assert.Empty(item.Categories);
        }

        Assert.Empty(Read<TrainingProgress>("""{"stage":"sft","step":1,"totalSteps":2}""", resolver).Metrics);
    }

    private static T Read<T>(string json, string resolver) => JsonSerializer.Deserialize<T>(json, All[resolver])!;

    private static JsonSerializerOptions Web(IJsonTypeInfoResolver resolver) =>
        new(JsonSerializerDefaults.Web) { TypeInfoResolver = resolver };

    [JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
    [JsonSerializable(typeof(RecommendationRequest))]
    [JsonSerializable(typeof(Item))]
    [JsonSerializable(typeof(TrainingProgress))]
    internal sealed partial class OwnContext : JsonSerializerContext;
}
