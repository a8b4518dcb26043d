using System.Collections;
using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MiniOneRec.IntegrationTests;

/// <summary>A list in configuration replaces the default, however it is bound.</summary>
public sealed class ListOptionsTests
{
    public static TheoryData<string, string> Collections()
    {
        var data = new TheoryData<string, string>();
        foreach (var type in OptionsClasses.All)
        {
            foreach (var property in OptionsClasses.CollectionsOf(type))
            {
                data.Add(type.Name, property.Name);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Collections))]
    public void Collection_WithFewerElementsThanTheDefault_ReplacesIt(string options, string property)
    {
        var type = OptionsClasses.All.Single(candidate => candidate.Name == options);
        var member = type.GetProperty(property)!;
        string json = SampleOf(member.PropertyType);
        var configuration = OptionsClasses.Json($$"""{ "Section": { "{{property}}": {{json}} } }""").GetSection("Section");

        object bound = Activator.CreateInstance(type)!, twice = Activator.CreateInstance(type)!;
        configuration.Bind(bound);
        configuration.Bind(twice);
        configuration.Bind(twice);
        object got = configuration.Get(type)!;
        object configured = GetType().GetMethod(nameof(Configured), BindingFlags.NonPublic | BindingFlags.Static)!.MakeGenericMethod(type)
            .Invoke(null, [configuration])!;

        Assert.All([bound, twice, got, configured], value => Assert.Equal(
            json.Replace(" ", "", StringComparison.Ordinal), JsonSerializer.Serialize(member.GetValue(value), member.PropertyType)));
    }

    [SkippableTheory]
    [MemberData(nameof(Collections))]
    public void Collection_ThatIsEmptyInJson_IsEmpty(string options, string property)
    {
        var type = OptionsClasses.All.Single(candidate => candidate.Name == options);
        var member = type.GetProperty(property)!;
        Skip.If(member.PropertyType.Name.Contains("Dictionary", StringComparison.Ordinal), "An empty object has no keys in configuration.");
        object bound = Activator.CreateInstance(type)!;

        OptionsClasses.Json($$"""{ "{{property}}": [] }""").Bind(bound);

        Assert.Empty((IEnumerable)member.GetValue(bound)!);
    }

    [Fact]
    public void Collections_OfAllPackages_AreFound() => Assert.True(Collections().Count >= 11);

    [Fact]
    public void CodebookSizes_OfThreeNumbers_AreThreeLevels()
    {
        var configuration = OptionsClasses.Json("""{ "MiniOneRec": { "Tokenization": { "RqVae": { "CodebookSizes": [32, 32, 32], "Codebooks": { "Decay": 0.5 } } } } }""");
        var services = new ServiceCollection();
        services.AddMiniOneRec(configuration).AddTokenization();
        using var provider = services.BuildServiceProvider();

        var options = provider.GetRequiredService<IOptions<Tokenization.RqVaeOptions>>().Value;

        Assert.Equal([32, 32, 32], options.CodebookSizes);
        Assert.Equal(0.5, options.Codebooks.Decay);
        Assert.Equal([32, 32, 32], provider.GetRequiredService<Tokenization.IQuantizer>().LevelSizes);
    }

    private static T Configured<T>(IConfiguration configuration)
        where T : class
    {
        var services = new ServiceCollection();
        services.Configure<T>(configuration);
        using var provider = services.BuildServiceProvider();
        return provider.GetRequiredService<IOptions<T>>().Value;
    }

    private static string SampleOf(Type type)
    {
        if (type.Name.Contains("Dictionary", StringComparison.Ordinal))
        {
            return $$"""{"key":{{SampleOf(type.GetGenericArguments()[1])}}}""";
        }

        return Type.GetTypeCode(type) switch
        {
            TypeCode.Int32 or TypeCode.Int64 => "7",
            TypeCode.Double => "0.5",
            TypeCode.String => "\"z\"",
            _ => $"[{SampleOf(type.IsArray ? type.GetElementType()! : type.GetGenericArguments()[0])}]",
        };
    }
}
