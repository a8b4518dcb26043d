using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Alignment;

/// <summary>Configures low-rank adapters.</summary>
public sealed class LoraOptions
{
    /// <summary>Gets or sets r, the rank of the update.</summary>
    /// <value>The default is 16.</value>
    [Range(1, 4_096)]
    public int Rank { get; set; } = 16;

    /// <summary>Gets or sets α; the update is scaled by α/r, or by α/√r with <see cref="RankStabilised"/>.</summary>
    /// <value>The default is 32.</value>
    [Range(1e-6, 1e6)]
    public double Alpha { get; set; } = 32;

    /// <summary>Gets or sets the dropout rate on what goes into the adapters.</summary>
    /// <value>The default is 0.05.</value>
    [Range(0.0, 0.99)]
    public double Dropout { get; set; } = 0.05;

    /// <summary>Gets or sets the last parts of the names of the adapted maps.</summary>
    /// <value>The default is all maps of attention and feed-forward blocks.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    [MinLength(1)]
    public IReadOnlyList<string> Targets { get; set; } = ["q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj"];

    /// <summary>Sets <see cref="Targets"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(Targets))]
    [JsonIgnore]
    public string[]? TargetsFromConfiguration
    {
        get => null;
        set => Targets = value ?? Targets;
    }

    /// <summary>Gets or sets whether the update is scaled by α/√r, so that its size does not shrink as the rank grows.</summary>
    /// <value>The default is <see langword="false"/>. Kalajdzievski (arXiv:2312.03732); PEFT's <c>use_rslora</c>.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public bool RankStabilised { get; set; }

    /// <summary>Gets or sets a regular expression that the whole name of an adapted map matches; in the place of
    /// <see cref="Targets"/>.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public string? TargetPattern { get; set; }

    /// <summary>Gets or sets the last parts of the names of maps that are left out, whatever else names them.</summary>
    /// <value>The default is <see langword="null"/>, none.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public IReadOnlyList<string>? ExcludedTargets { get; set; }

    /// <summary>Sets <see cref="ExcludedTargets"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(ExcludedTargets))]
    [JsonIgnore]
    public string[]? ExcludedTargetsFromConfiguration
    {
        get => null;
        set => ExcludedTargets = value ?? ExcludedTargets;
    }

    /// <summary>Gets or sets the numbers of the layers that are adapted; layers count from 0.</summary>
    /// <value>The default is <see langword="null"/>, all.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public IReadOnlyList<int>? Layers { get; set; }

    /// <summary>Sets <see cref="Layers"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(Layers))]
    [JsonIgnore]
    public int[]? LayersFromConfiguration
    {
        get => null;
        set => Layers = value ?? Layers;
    }

    /// <summary>Gets or sets ranks of their own, by the last parts of maps' names or by regular expressions for them; the first that fits
    /// counts.</summary>
    /// <value>The default is <see langword="null"/>: <see cref="Rank"/> for all.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public IReadOnlyDictionary<string, int>? RankPattern { get; set; }

    /// <summary>Gets or sets values of α of their own, as <see cref="RankPattern"/> does ranks.</summary>
    /// <value>The default is <see langword="null"/>: <see cref="Alpha"/> for all.</value>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public IReadOnlyDictionary<string, double>? AlphaPattern { get; set; }

    /// <summary>Gets or sets a regular expression of maps that are left out; read from files only.</summary>
    internal string? ExcludedPattern { get; set; }

    /// <summary>Gets or sets the names of the lists of layers, for models with several; read from files only.</summary>
    internal IReadOnlyList<string>? LayersPattern { get; set; }

    /// <summary>Gets or sets whether the rows of the codes in embedding and head are trained beside the adapters.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool TrainNewRows { get; set; } = true;

    /// <summary>Gets or sets the folder into which the trained adapters are saved in PEFT's layout, or <see langword="null"/>.</summary>
    public string? SaveTo { get; set; }

    /// <summary>Gets or sets whether the trained adapters are added into the model's weights; otherwise they stay attached to the
    /// model.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool Merge { get; set; } = true;

    internal LoraOptions Copy() => (LoraOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class LoraOptionsValidator : IValidateOptions<LoraOptions>;
