using System.Reflection;
using System.Text.Json;
using Microsoft.Extensions.Configuration;

namespace MiniOneRec.IntegrationTests;

/// <summary>One word for one thing in the options of all packages; old names go on working for one version.</summary>
public sealed class VocabularyTests
{
    private static readonly string[] Retired = ["Minimum", "Maximum", "GradientClip", "ValidationRows", "EverySteps", "CheckpointFolder",
        "CheckpointEvery", "Neighbors", "Catalog"];

    public static TheoryData<string, string> OldNames()
    {
        var data = new TheoryData<string, string>();
        foreach (var type in OptionsClasses.All)
        {
            foreach (var property in type.GetProperties().Where(property => property.GetCustomAttribute<OldNameAttribute>() is not null))
            {
                data.Add(type.Name, property.Name);
            }
        }

        return data;
    }

    [Fact]
    public void Options_UseNoRetiredName()
    {
        var names = OptionsClasses.All.Where(type => type.GetCustomAttribute<ObsoleteAttribute>() is null)
            .SelectMany(type => type.GetProperties())
            .Where(property => property.GetCustomAttribute<ObsoleteAttribute>() is null
                && !property.Name.StartsWith("Validate", StringComparison.Ordinal)
                && !property.Name.StartsWith("Sync", StringComparison.Ordinal));

        Assert.DoesNotContain(names, property => Retired.Any(word =>
            property.Name.Contains(word, StringComparison.Ordinal) && !property.Name.Contains("Catalogue", StringComparison.Ordinal)));
    }

    [Fact]
    public void OptionsClasses_HaveOneScheduleAndOneShapeOfCheckpoints()
    {
        var properties = OptionsClasses.All.SelectMany(type => type.GetProperties())
            .Where(property => property.GetCustomAttribute<ObsoleteAttribute>() is null).ToArray();

        Assert.All(properties.Where(property => property.Name == "Schedule"),
            property => Assert.Equal(typeof(LearningRateSchedule), property.PropertyType));
        Assert.All(properties.Where(property => property.Name.StartsWith("Checkpoint", StringComparison.Ordinal)),
            property => Assert.Equal(typeof(CheckpointOptions), property.PropertyType));
    }

    [Theory]
    [MemberData(nameof(OldNames))]
    public void OldName_SetsTheNewOption(string options, string old)
    {
        var type = OptionsClasses.All.Single(candidate => candidate.Name == options);
        var property = type.GetProperty(old)!;
        string newName = property.GetCustomAttribute<OldNameAttribute>()!.NewName;
        string value = property.PropertyType == typeof(string) ? "\"x\"" : property.PropertyType == typeof(bool) ? "false" : "3";
        object byOld = Activator.CreateInstance(type)!, byNew = Activator.CreateInstance(type)!;

        Assert.NotNull(property.GetCustomAttribute<ObsoleteAttribute>());
        new ConfigurationBuilder().AddInMemoryCollection([new(old, value.Trim('"'))]).Build().Bind(byOld);
        new ConfigurationBuilder().AddInMemoryCollection([new(newName, value.Trim('"'))]).Build().Bind(byNew);

        object? Read(object from) =>
            newName.Split(':').Aggregate((object?)from, (at, name) => at!.GetType().GetProperty(name)!.GetValue(at));
        Assert.Equal(Read(byNew), Read(byOld));
        Assert.NotEqual(Read(Activator.CreateInstance(type)!), Read(byOld));
        Assert.False(JsonSerializer.SerializeToElement(byOld, type).TryGetProperty(old, out _));
    }
}
