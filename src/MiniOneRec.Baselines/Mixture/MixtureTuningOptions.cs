using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="MixtureTuner"/>.</summary>
public sealed class MixtureTuningOptions
{
    /// <summary>Gets or sets K of HR@K and NDCG@K, whose product is maximised.</summary>
    /// <value>The default is 10.</value>
    [Range(1, 1000)]
    public int Cutoff { get; set; } = 10;

    /// <summary>Gets or sets how many validation rows are used, drawn by <see cref="Seed"/>; 0 for all.</summary>
    /// <value>The default is 5,000.</value>
    [Range(0, int.MaxValue)]
    public int MaxExamples { get; set; } = 5_000;

    /// <summary>Gets or sets how many of each part's best items stand for the catalogue while weights are tried.</summary>
    /// <value>The default is 200.</value>
    [Range(1, 1 << 20)]
    public int Candidates { get; set; } = 200;

    /// <summary>Gets or sets the forms that are tried; the first of equally good ones wins.</summary>
    /// <value>The default is linear alone.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    [MinLength(1)]
    public IReadOnlyList<MixtureForm> Forms { get; set; } = [MixtureForm.Linear];

    /// <summary>Sets <see cref="Forms"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(Forms))]
    [JsonIgnore]
    public MixtureForm[]? FormsFromConfiguration
    {
        get => null;
        set => Forms = value ?? Forms;
    }

    /// <summary>Gets or sets the factors of history items that are tried, each 0 to 1.</summary>
    /// <value>The default is 1, 0.75, 0.5, 0.35, 0.25, 0.15 and 0.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    [MinLength(1)]
    public IReadOnlyList<double> HistoryFactors { get; set; } = [1, 0.75, 0.5, 0.35, 0.25, 0.15, 0];

    /// <summary>Sets <see cref="HistoryFactors"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(HistoryFactors))]
    [JsonIgnore]
    public double[]? HistoryFactorsFromConfiguration
    {
        get => null;
        set => HistoryFactors = value ?? HistoryFactors;
    }

    /// <summary>Gets or sets the seed that draws the validation rows.</summary>
    /// <value>The default is 42.</value>
    public int Seed { get; set; } = 42;
}

[OptionsValidator]
internal sealed partial class MixtureTuningOptionsValidator : IValidateOptions<MixtureTuningOptions>;
