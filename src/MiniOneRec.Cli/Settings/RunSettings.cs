using System.Text.Json.Serialization;
using MiniOneRec.Datasets;
using MiniOneRec.Datasets.DuckDb;
using MiniOneRec.Recipes;

namespace MiniOneRec.Cli.Settings;

/// <summary>Everything that a run depends on; the file <c>minionerec.json</c> holds it.</summary>
internal sealed class RunSettings
{
    /// <summary>Gets or sets the data.</summary>
    public DataSettings Data { get; set; } = new();

    /// <summary>Gets or sets the log that is prepared first, where it names inputs.</summary>
    public DuckDbSourceOptions Source { get; set; } = new();

    /// <summary>Gets or sets the steps of the preparation.</summary>
    public PreparationOptions Preparation { get; set; } = new() { MaxHistory = RecipePreset.MaxHistory };

    /// <summary>Gets or sets the name of the preset from which <see cref="Recipe"/> starts.</summary>
    public string Preset { get; set; } = "default";

    /// <summary>Gets or sets the recipe's options.</summary>
    public RecipeOptions Recipe { get; set; } = new();

    /// <summary>Gets or sets what turns item texts into vectors: a path as the option <c>--encoder</c> takes it, or
    /// <see langword="null"/> for TF-IDF.</summary>
    public string? Encoder { get; set; }

    /// <summary>Gets whether a log is to be prepared.</summary>
    [JsonIgnore]
    public bool HasSource => Source.Inputs.Count > 0 || Source.Query is not null;

    /// <summary>Gets the same settings with full paths.</summary>
    public RunSettings Absolute()
    {
        (Source.Inputs, Source.Items) = ([.. Source.Inputs.Select(Full)], [.. Source.Items.Select(Full)]);
        (Source.ValidationInputs, Source.TestInputs) = ([.. Source.ValidationInputs.Select(Full)], [.. Source.TestInputs.Select(Full)]);
        return new RunSettings
        {
            Data = Data.Absolute(), Source = Source, Preparation = Preparation, Preset = Preset, Recipe = Recipe,
            Encoder = TextEncoders.PathOf(Encoder) is { } path ? Full(path) : Encoder,
        };
    }

    private static string Full(string path) => Path.GetFullPath(path);
}
