using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Abstractions.Tests;

public sealed partial class ItemTests
{
    private static readonly Item Tent = new()
    {
        Id = "tent",
        Categories = ["camping"],
        Attributes = new Dictionary<string,
        AttributeValue> { ["price"] = 99.5, ["stock"] = 3, ["sale"] = true, ["colour"] = "green", ["tags"] = new[] { "two", "light" } },
    };

    [Fact]
    public void Where_NarrowsARequest()
    {
        var items = new[] { Tent, new Item { Id = "mat", Attributes = new Dictionary<string, AttributeValue> { ["price"] = 20 } },
            new Item { Id = "gift" } }.ById();
        var request =
            new RecommendationRequest { History = [], ExcludedItems = new HashSet<string> { "gift" }, CandidateFilter = id => id != "mat" };

        var cheap = new RecommendationRequest { History = [] }.Where(items, item => item.Number("price") < 50);
        var both = request.Where(items, item => item.Number("price") > 10 && item.Is("sale") && item.Text("colour") == "green");

        Assert.Equal([false, true, false, false], new[] { "tent", "mat", "gift", "unknown" }.Select(cheap.Allows));
        Assert.Equal([true, false, false, false], new[] { "tent", "mat", "gift", "unknown" }.Select(both.Allows));
    }

    [Fact]
    public void ById_TheSameIdTwice_IsAnError()
    {
        Assert.Contains("'tent'", Assert.Throws<ArgumentException>(() => new[] { Tent, Tent }.ById()).Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Equality_IsByContent()
    {
        var copy = Tent with { Categories = ["camping"], Attributes = Tent.Attributes.ToDictionary() };

        Assert.Equal(Tent, copy);
        Assert.Equal(Tent.GetHashCode(), copy.GetHashCode());
        Assert.NotEqual(Tent, copy with { Attributes = new Dictionary<string, AttributeValue>() });
        Assert.NotEqual(Tent, copy with { Categories = ["other"] });
        Assert.Equal(new Item { Id = "a" }, new Item { Id = "a", Attributes = new Dictionary<string, AttributeValue>() });
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void Json_RoundTrips(bool generated)
    {
        var sequence = new UserSequence("u", ["a"]) { Timestamps = [5], EventTypes = ["view"], Weights = [0.5] };
        var interaction = sequence.At(0);

        Assert.Equal(Tent, Again(Tent));
        Assert.Equal(sequence, Again(sequence));
        Assert.Equal(interaction, Again(interaction));
        Assert.Contains("\"price\":99.5,\"stock\":3,\"sale\":true,\"colour\":\"green\",\"tags\":[\"two\",\"light\"]",
            JsonSerializer.Serialize(Tent), StringComparison.Ordinal);

        T Again<T>(T value) => generated
            ? (T)JsonSerializer.Deserialize(JsonSerializer.Serialize(value, typeof(T), Context.Default), typeof(T), Context.Default)!
            : JsonSerializer.Deserialize<T>(JsonSerializer.Serialize(value))!;
    }

    [Theory]
    [InlineData("""{"Id":"a","Attributes":{"x":null}}""")]
    [InlineData("""{"Id":"a","Attributes":{"x":{}}}""")]
    [InlineData("""{"Id":"a","Attributes":{"x":[1]}}""")]
    [InlineData("""{"Id":"a","Attributes":{"x":1e400}}""")]
    public void Json_OtherKinds_AreRefused(string json) => Assert.Throws<JsonException>(() => JsonSerializer.Deserialize<Item>(json));

    [Fact]
    public void Json_WithoutAttributes_HasNone()
    {
        Assert.Empty(JsonSerializer.Deserialize<Item>("""{"Id":"a","Attributes":null}""")!.Attributes);
        Assert.Empty(JsonSerializer.Deserialize<Item>("""{"Id":"a"}""")!.Attributes);
    }

    [Fact]
    public void Attribute_NotFiniteOrNull_IsRefused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new AttributeValue(double.NaN));
        Assert.Throws<ArgumentException>(() => new AttributeValue(new string[] { null! }));
        Assert.Equal("", default(AttributeValue).Text);
        Assert.Equal(default, new AttributeValue(""));
        Assert.Equal("two, light", Tent.Attributes["tags"].ToString());
    }

    [JsonSerializable(typeof(Item))]
    [JsonSerializable(typeof(UserSequence))]
    [JsonSerializable(typeof(Interaction))]
    private sealed partial class Context : JsonSerializerContext;
}
