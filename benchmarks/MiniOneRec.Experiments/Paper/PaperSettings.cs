using System.Text.Json.Nodes;
using MiniOneRec.Recipes;

namespace MiniOneRec.Experiments;

/// <summary>What the tables of the paper are made with.</summary>
internal sealed record PaperSettings
{
    /// <summary>The models of the main table, in its order.</summary>
    public static readonly string[] AllNames =
        ["gru4rec", "caser", "sasrec", "hstu", "tiger", "lc-rec", "bigrec", "d3", "s-dpo", "minionerec", "text-knn", "star", "mixture"];

    /// <summary>The models whose loss can be the one of the paper's appendix, by the name with <c>-bce</c> behind it.</summary>
    private static readonly string[] WithLosses = ["gru4rec", "caser", "sasrec"];

    /// <summary>Gets the folder of runs and artifacts.</summary>
    public required string Work { get; init; }

    /// <summary>Gets the data sets.</summary>
    public required IReadOnlyList<string> Sets { get; init; }

    /// <summary>Gets the models.</summary>
    public required IReadOnlyList<string> Names { get; init; }

    /// <summary>Gets the seeds.</summary>
    public required IReadOnlyList<int> Seeds { get; init; }

    /// <summary>Gets sizes and epochs.</summary>
    public required RecipePreset Preset { get; init; }

    /// <summary>Gets how many test rows count; 0 for all.</summary>
    public int TestRows { get; init; }

    /// <summary>Gets how many test rows count, or <see langword="null"/> for all.</summary>
    public int? MaxExamples => TestRows == 0 ? null : TestRows;

    /// <summary>Gets how many users of a set count; 0 for all.</summary>
    public int Users { get; init; }

    /// <summary>Gets the minutes that the training of a generative model may take, ours with all its stages; 0 for no limit.</summary>
    public double Minutes { get; init; }

    /// <summary>Gets the pretrained model of rivals with a language model, or <see langword="null"/>.</summary>
    public string? LanguageModel { get; init; }

    /// <summary>Gets the time of the training of a generative model, or <see langword="null"/> for no limit.</summary>
    public TimeSpan? Budget => Minutes > 0 ? TimeSpan.FromMinutes(Minutes) : null;

    /// <summary>Gets the file of text vectors, with <c>{set}</c> in place of a data set's name, or <see langword="null"/>.</summary>
    public string? Vectors { get; init; }

    /// <summary>Gets whether there are text vectors beside TF-IDF.</summary>
    public bool HasVectors => Vectors is not null;

    /// <summary>Gets the device.</summary>
    public string Device { get; init; } = "cpu";

    /// <summary>Reads the options.</summary>
    /// <param name="context">The options.</param>
    /// <exception cref="ArgumentException">A name or preset is unknown.</exception>
    public static PaperSettings Read(StudyContext context)
    {
        bool quick = context.Option("quick", false);
        string preset = context.Option("preset", quick ? "smoke" : "default");
        string model = context.Option("language-model", ""), vectors = context.Option("embeddings", "");
        var settings = new PaperSettings
        {
            Work = context.Option("work", Path.Combine("artifacts", "paper")),
            Sets = quick ? context.Options("sets", "demo") : context.Options("sets", "Industrial_and_Scientific", "Office_Products"),
            Names = context.Options("names", AllNames),
            Seeds = quick ? context.Options("seeds", 42) : context.Options("seeds", 42, 43, 44),
            Preset = quick
                ? RecipePreset.Named(preset) with { HiddenSize = 16, Heads = 2, Layers = 1, GrpoSteps = 2, SasRecEpochs = 2 }
                : RecipePreset.Named(preset),
            TestRows = context.Option("test-rows", quick ? 50 : 0),
            Users = context.Option("users", quick ? 120 : 0),
            Minutes = context.Option("minutes", quick ? 0.03 : 0.0),
            LanguageModel = model.Length == 0 ? null : model,
            Vectors = vectors.Length == 0 ? null : vectors,
            Device = context.Option("device", "cpu"),
        };
        string[] known = [.. AllNames, .. WithLosses.Select(name => name + "-bce")];
        string[] unknown = [.. settings.Names.Except(known)];
        return unknown.Length == 0 ? settings
            : throw new ArgumentException($"--names holds {string.Join(", ", unknown)}; expected names of {string.Join(", ", known)}.");
    }

    /// <summary>Gets the file of text vectors of a data set, or <see langword="null"/>.</summary>
    /// <param name="set">The data set.</param>
    public string? VectorsOf(string set) => Vectors?.Replace("{set}", set, StringComparison.Ordinal);

    /// <summary>Describes what every run of a set and seed depends on.</summary>
    /// <param name="set">The set.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="data">The fingerprint of the data.</param>
    public JsonObject Describe(string set, int seed, string data) => new()
    {
        ["set"] = set, ["seed"] = seed, ["data"] = data, ["preset"] = Preset.Name, ["width"] = Preset.HiddenSize,
        ["layers"] = Preset.Layers, ["epochs"] = Preset.SftEpochs, ["testRows"] = TestRows, ["users"] = Users, ["minutes"] = Minutes,
        ["languageModel"] = LanguageModel is null ? null : Path.GetFileName(Path.TrimEndingDirectorySeparator(LanguageModel)),
        ["vectors"] = Path.GetFileName(Vectors),
    };
}
