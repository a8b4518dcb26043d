using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Evaluation;

/// <summary>Configures <see cref="RecommendationEvaluator"/>.</summary>
public sealed class EvaluationOptions
{
    /// <summary>Gets or sets the cutoffs K; distinct, each at least 1.</summary>
    /// <value>The default is 1, 3, 5, 10, 20.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<int> Cutoffs { get; set; } = [1, 3, 5, 10, 20];

    /// <summary>Sets <see cref="Cutoffs"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(Cutoffs))]
    [JsonIgnore]
    public int[]? CutoffsFromConfiguration
    {
        get => null;
        set => Cutoffs = value ?? Cutoffs;
    }

    /// <summary>Gets or sets how many examples the recommender is asked at once.</summary>
    /// <value>The default is 64.</value>
    [Range(1, 1_000_000)]
    public int BatchSize { get; set; } = 64;

    /// <summary>Gets or sets how many examples are evaluated, drawn by <see cref="Seed"/>, or <see langword="null"/> for all.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    [Range(1, int.MaxValue)]
    public int? MaxExamples { get; set; }

    /// <summary>Gets or sets how many bootstrap samples the intervals are taken from; 0 for no intervals.</summary>
    /// <value>The default is 1,000.</value>
    [Range(0, 1_000_000)]
    public int BootstrapSamples { get; set; } = 1000;

    /// <summary>Gets or sets the share of bootstrap samples inside an interval.</summary>
    /// <value>The default is 0.95.</value>
    [Range(0.5, 0.9999)]
    public double Confidence { get; set; } = 0.95;

    /// <summary>Gets or sets the seed of the drawn examples and of the bootstrap.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;

    /// <summary>Gets or sets whether the report keeps every example's rank, so that two systems can be compared example by
    /// example.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool KeepRanks { get; set; } = true;

    /// <summary>Gets the largest cutoff.</summary>
    internal int MaxCutoff => Cutoffs.Max();
}

[OptionsValidator]
internal sealed partial class EvaluationOptionsValidator : IValidateOptions<EvaluationOptions>;

/// <summary>The rules on the list of cutoffs.</summary>
internal sealed class EvaluationCutoffsValidator : IValidateOptions<EvaluationOptions>
{
    public ValidateOptionsResult Validate(string? name, EvaluationOptions options)
    {
        if (options.Cutoffs is null)
        {
            return ValidateOptionsResult.Skip;      // [Required] reports it
        }

        string shown = $"[{string.Join(", ", options.Cutoffs)}]";
        List<string> failures = [];
        if (options.Cutoffs.Count == 0)
        {
            failures.Add("Cutoffs must hold at least one cutoff.");
        }

        if (options.Cutoffs.Any(cutoff => cutoff < 1))
        {
            failures.Add($"Cutoffs {shown} must each be at least 1.");
        }

        if (options.Cutoffs.Distinct().Count() != options.Cutoffs.Count)
        {
            failures.Add($"Cutoffs {shown} must be distinct.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
