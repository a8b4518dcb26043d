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

    /// <summary>Gets or sets α; the update is scaled by α/r.</summary>
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

    /// <summary>Sets <see cref="Targets"/> from configuration, whose list replaces the one that is there; reads as <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(Targets))]
    [JsonIgnore]
    public string[]? TargetsFromConfiguration
    {
        get => null;
        set => Targets = value ?? Targets;
    }

    /// <summary>Gets or sets whether the rows of the codes in embedding and head are trained beside the adapters.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool TrainNewRows { get; set; } = true;

    /// <summary>Gets or sets the folder into which the trained adapters are saved in PEFT's layout, or <see langword="null"/>.</summary>
    public string? SaveTo { get; set; }

    /// <summary>Gets or sets whether the trained adapters are added into the model's weights; otherwise they stay attached to the model.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool Merge { get; set; } = true;

    internal LoraOptions Copy() => (LoraOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class LoraOptionsValidator : IValidateOptions<LoraOptions>;
