using MiniOneRec.Cli.Settings;

namespace MiniOneRec.Cli.Tests;

public sealed class SettingsTests : IDisposable
{
    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    public void Command_line_stands_above_environment_and_file()
    {
        string file = _shop.Write("s.json", """{ "preset": "quick", "recipe": { "seed": 1, "device": "cpu", "output": "from-file", "baselines": ["popularity"], "preset": { "sftEpochs": 7 } } }""");
        Environment.SetEnvironmentVariable("MINIONEREC__Recipe__Seed", "2");
        Environment.SetEnvironmentVariable("MINIONEREC__Recipe__Output", "from-environment");
        try
        {
            var settings = SettingsFile.Read(file,
                [KeyValuePair.Create("Recipe:Output", (string?)"from-line"), KeyValuePair.Create("Recipe:Device", (string?)null)]);

            Assert.Equal(("from-line", 2, "cpu"), (settings.Recipe.Output, settings.Recipe.Seed, settings.Recipe.Device));
            Assert.Equal(["popularity"], settings.Recipe.Baselines);
            Assert.Equal(("quick", 64, 7), (settings.Preset, settings.Recipe.Preset.HiddenSize, settings.Recipe.Preset.SftEpochs));
        }
        finally
        {
            Environment.SetEnvironmentVariable("MINIONEREC__Recipe__Seed", null);
            Environment.SetEnvironmentVariable("MINIONEREC__Recipe__Output", null);
        }
    }

    [Theory]
    [InlineData("""{ "recipe": { "sead": 1 } }""", "sead")]
    [InlineData("""{ "recipes": { "seed": 1 } }""", "recipes")]
    [InlineData("""{ "data": { "interaction": "x" } }""", "interaction")]
    [InlineData("""{ "recipe": { "seed": "many" } }""", "Seed")]
    [InlineData("""{ "preset": "enormous" }""", "enormous")]
    public void A_setting_that_nothing_reads_is_an_error_that_names_it(string json, string name)
    {
        var error = Assert.Throws<ArgumentException>(() => SettingsFile.Read(_shop.Write("s.json", json), []));

        Assert.Contains(name, error.Message, StringComparison.OrdinalIgnoreCase);
    }

    [Fact]
    public void A_file_that_is_no_JSON_is_an_error_that_names_it()
    {
        var error = Assert.Throws<InvalidDataException>(() => SettingsFile.Read(_shop.Write("s.json", "{ \"recipe\": "), []));

        Assert.Contains("s.json", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Written_settings_read_back_as_they_were()
    {
        var settings =
            SettingsFile.Read(null,
            [KeyValuePair.Create("Preset", (string?)"sparse"), KeyValuePair.Create("Recipe:Baselines:0", (string?)"item-knn"),
            KeyValuePair.Create("Data:Interactions", (string?)"orders.txt")]);
        string json = SettingsFile.ToJson(settings);
        var again = SettingsFile.Read(_shop.Write("again.json", json), []);

        Assert.Equal(json, SettingsFile.ToJson(again));
        Assert.Equal(settings.Recipe.Preset, again.Recipe.Preset);
        Assert.Equal(Path.GetFullPath("orders.txt"), again.Data.Interactions);
    }
}
