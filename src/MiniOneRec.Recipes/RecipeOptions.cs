using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Recipes;

/// <summary>Configures <see cref="Recipe"/>.</summary>
public sealed class RecipeOptions
{
    /// <summary>The baselines that run unless <see cref="Baselines"/> names others: they take minutes. <c>text-knn</c> and <c>star</c> are
    /// left out where the items have neither text nor vectors.</summary>
    public static IReadOnlyList<string> DefaultBaselines { get; } =
        ["popularity", "sequential-rules", "item-knn", "text-knn", "star", "mixture", "sasrec"];

    /// <summary>All baselines that there are. <c>lc-rec</c>, <c>bigrec</c> and <c>d3</c> need titles.</summary>
    public static IReadOnlyList<string> AllBaselines { get; } =
        [.. DefaultBaselines, .. RivalRegistry.All.Select(rival => rival.Name).Except(DefaultBaselines)];

    /// <summary>Gets or sets the sizes and budgets.</summary>
    /// <value>The default is the preset <c>default</c>.</value>
    [Required]
    public RecipePreset Preset { get; set; } = RecipePreset.Named("default");

    /// <summary>Gets or sets the seed of every stage.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;

    /// <summary>Gets or sets the device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <value>The default is <c>cpu</c>.</value>
    [Required]
    [RegularExpression("^(cpu|cuda(:[0-9]+)?)$", ErrorMessage = "Device must be 'cpu', 'cuda' or 'cuda:N'.")]
    public string Device { get; set; } = "cpu";

    /// <summary>Gets or sets whether the recipe stops after supervised training.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool SkipReinforcement { get; set; }

    /// <summary>Gets or sets the names of the baselines that are run and reported.</summary>
    /// <value>The default is <see cref="DefaultBaselines"/>.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<string> Baselines { get; set; } = DefaultBaselines;

    /// <summary>Sets <see cref="Baselines"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(Baselines))]
    [JsonIgnore]
    public string[]? BaselinesFromConfiguration
    {
        get => null;
        set => Baselines = value ?? Baselines;
    }

    /// <summary>
    /// Gets or sets the pretrained model of the baselines that have a language model, a Hugging Face folder or a <c>.gguf</c> file; or
    /// <see langword="null"/> for one with fresh weights in the size of the preset.
    /// </summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? LanguageModel { get; set; }

    /// <summary>Gets or sets the folder of the artifacts.</summary>
    /// <value>The default is <c>artifacts/recipe</c>.</value>
    [Required]
    public string Output { get; set; } = "artifacts/recipe";

    /// <summary>
    /// Gets or sets whether the run can be continued: it keeps checkpoints and a journal in <see cref="Output"/>, and a later run with the
    /// same settings and data goes on where it ended. Finished stages are not repeated, and the result is the same to the bit.
    /// </summary>
    /// <remarks>A folder whose run has other settings, other data or another version is refused; <see cref="Recipe.Forget"/> frees
    /// it.</remarks>
    /// <value>The default is <see langword="false"/>: every run begins anew.</value>
    public bool Resume { get; set; }

    /// <summary>Gets or sets the time that the whole run may take, or <see langword="null"/> for no bound. The quantizer,
    /// baselines, supervised training and GRPO end when their shares are used up; evaluations and tuning are not bounded, and the shares
    /// leave room for them. The preset <c>auto</c> chooses sizes that fit.</summary>
    /// <value>The default is <see langword="null"/>; <c>auto</c> then plans for one hour.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public TimeSpan? Budget { get; set; }

    /// <summary>Gets or sets the report's file, or <see langword="null"/> for <c>report.json</c> in <see cref="Output"/>. A Markdown file
    /// is written beside it.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? Report { get; set; }

    /// <summary>Gets or sets whether semantic IDs are learned from the items' text although the data bring some.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool Retokenize { get; set; }

    /// <summary>
    /// Gets or sets a file of item vectors, or <see langword="null"/> for none. The model reads them as its preset says; semantic IDs are
    /// learned from them
    /// where the data bring none, or <see cref="Retokenize"/> or <see cref="Quantizer"/> ask for it.
    /// </summary>
    /// <remarks>
    /// A <c>.npy</c> file with one row per item in catalogue order; or in any order where <c>NAME.ids.txt</c> beside <c>NAME.npy</c> lists
    /// the ids, one a line.
    /// </remarks>
    /// <value>The default is <see langword="null"/>.</value>
    public string? Embeddings { get; set; }

    /// <summary>Gets or sets the folder of a trained quantizer to start from, or <see langword="null"/> to train one.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? Quantizer { get; set; }

    /// <summary>Gets or sets the folder of a model after supervised training to start from, or <see langword="null"/>.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? SftModel { get; set; }

    /// <summary>Gets or sets the folder of a model after GRPO to start from, or <see langword="null"/>.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? GrpoModel { get; set; }

    /// <summary>Gets or sets how many test rows are drawn by the seed for the report, or <see langword="null"/> for all.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    [Range(1, int.MaxValue)]
    public int? MaxTestRows { get; set; }

    /// <summary>Gets the report's file.</summary>
    internal string ReportPath => Report ?? Path.Combine(Output, "report.json");

    internal RecipeOptions Copy() => (RecipeOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class RecipeOptionsValidator : IValidateOptions<RecipeOptions>;

internal sealed class RecipeOptionsRules : IValidateOptions<RecipeOptions>
{
    public ValidateOptionsResult Validate(string? name, RecipeOptions options)
    {
        List<string> failures = [];
        string[] unknown = [.. (options.Baselines ?? []).Except(RecipeOptions.AllBaselines, StringComparer.Ordinal)];
        if (unknown.Length > 0)
        {
            failures.Add($"Baselines: '{string.Join("', '", unknown)}' not known; "
                + $"expected names of {string.Join(", ", RecipeOptions.AllBaselines)}.");
        }

        if (options.Budget <= TimeSpan.Zero)
        {
            failures.Add($"Budget is {options.Budget}; expected more than no time, or null for no bound.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
