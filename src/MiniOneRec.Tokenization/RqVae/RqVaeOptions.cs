using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures <see cref="RqVaeQuantizer"/>.</summary>
public sealed class RqVaeOptions
{
    /// <summary>Gets or sets K of each level; levels may differ in size.</summary>
    /// <value>The default is 256, 256, 256.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<int> CodebookSizes { get; set; } = [256, 256, 256];

    /// <summary>Sets <see cref="CodebookSizes"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(CodebookSizes))]
    [JsonIgnore]
    public int[]? CodebookSizesFromConfiguration
    {
        get => null;
        set => CodebookSizes = value ?? CodebookSizes;
    }

    /// <summary>Gets or sets Z, the width of the latent vectors and codes.</summary>
    /// <value>The default is 32.</value>
    [Range(1, 4096)]
    public int LatentWidth { get; set; } = 32;

    /// <summary>Gets or sets the widths of the encoder's hidden layers; the decoder has them in reverse.</summary>
    /// <value>The default is 512, 256, 128.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<int> HiddenWidths { get; set; } = [512, 256, 128];

    /// <summary>Sets <see cref="HiddenWidths"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(HiddenWidths))]
    [JsonIgnore]
    public int[]? HiddenWidthsFromConfiguration
    {
        get => null;
        set => HiddenWidths = value ?? HiddenWidths;
    }

    /// <summary>Gets or sets the share of a layer's input that is dropped in training.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, 0.9)]
    public double Dropout { get; set; }

    /// <summary>Gets or sets whether hidden layers are followed by batch normalisation.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool BatchNorm { get; set; }

    /// <summary>Gets or sets how a reconstruction is compared with its vector.</summary>
    /// <value>The default is <see cref="ReconstructionLoss.SquaredError"/>.</value>
    [EnumDataType(typeof(ReconstructionLoss))]
    public ReconstructionLoss Loss { get; set; }

    /// <summary>Gets or sets how gradients pass the levels.</summary>
    /// <value>The default is <see cref="ResidualGradient.Textbook"/>.</value>
    [EnumDataType(typeof(ResidualGradient))]
    public ResidualGradient Gradient { get; set; }

    /// <summary>Gets or sets β, the weight of the commitment term within a level's loss.</summary>
    /// <value>The default is 0.25.</value>
    [Range(0.0, 100.0)]
    public double CommitmentWeight { get; set; } = 0.25;

    /// <summary>Gets or sets the weight of the quantisation loss beside the reconstruction loss.</summary>
    /// <value>The default is 1.</value>
    [Range(0.0, 1000.0)]
    public double QuantizationWeight { get; set; } = 1;

    /// <summary>Gets or sets the weight of the penalty on uneven use of a codebook, KL(p̄‖uniform).</summary>
    /// <value>The default is 0: none.</value>
    [Range(0.0, 1000.0)]
    public double BalanceWeight { get; set; }

    /// <summary>Gets or sets the temperature of the soft assignment in the balance penalty.</summary>
    /// <value>The default is 1.</value>
    [Range(1e-6, 1e6)]
    public double BalanceTemperature { get; set; } = 1;

    /// <summary>Gets or sets ε of each level's Sinkhorn assignment, 0 for the nearest code; empty for the nearest code
    /// everywhere.</summary>
    /// <value>The default is empty.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<double> SinkhornEpsilons { get; set; } = [];

    /// <summary>Sets <see cref="SinkhornEpsilons"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(SinkhornEpsilons))]
    [JsonIgnore]
    public double[]? SinkhornEpsilonsFromConfiguration
    {
        get => null;
        set => SinkhornEpsilons = value ?? SinkhornEpsilons;
    }

    /// <summary>Gets or sets the number of Sinkhorn's scalings.</summary>
    /// <value>The default is 50.</value>
    [Range(1, 10_000)]
    public int SinkhornIterations { get; set; } = 50;

    /// <summary>Gets or sets where Sinkhorn assigns. Encoding with it depends on all vectors that are encoded together.</summary>
    /// <value>The default is <see cref="SinkhornUse.Training"/>.</value>
    [EnumDataType(typeof(SinkhornUse))]
    public SinkhornUse SinkhornUse { get; set; }

    /// <summary>Gets or sets how codebooks begin.</summary>
    /// <value>The default is <see cref="CodebookInitialization.KMeans"/>.</value>
    [EnumDataType(typeof(CodebookInitialization))]
    public CodebookInitialization Initialization { get; set; }

    /// <summary>Gets or sets how the codebooks are learned and kept in use.</summary>
    [Required]
    [ValidateObjectMembers]
    public CodebookOptions Codebooks { get; set; } = new();

    /// <summary>Gets or sets how it is trained.</summary>
    [Required]
    [ValidateObjectMembers]
    public QuantizerTrainingOptions Training { get; set; } = new();
}

/// <summary>Specifies how a reconstruction is compared with its vector.</summary>
public enum ReconstructionLoss
{
    /// <summary>Mean of squared differences.</summary>
    SquaredError,

    /// <summary>Mean of absolute differences.</summary>
    AbsoluteError,
}

/// <summary>Specifies how gradients pass the levels of a residual quantizer.</summary>
public enum ResidualGradient
{
    /// <summary>The next residual subtracts the code as a constant and the sum passes straight through once: every level commits the
    /// encoder.</summary>
    Textbook,

    /// <summary>The next residual subtracts the straight-through value, as the MiniOneRec reference does: only the first level commits the
    /// encoder.</summary>
    StraightThrough,
}

/// <summary>Specifies where Sinkhorn assigns in place of the nearest code.</summary>
public enum SinkhornUse
{
    /// <summary>In training only.</summary>
    Training,

    /// <summary>In encoding only.</summary>
    Assignment,

    /// <summary>In training and encoding.</summary>
    Both,
}

/// <summary>Specifies how codebooks are initialised.</summary>
public enum CodebookInitialization
{
    /// <summary>k-means of each level's residuals over the whole catalogue.</summary>
    KMeans,

    /// <summary>Uniform in [−1/K, 1/K].</summary>
    Uniform,
}

[OptionsValidator]
internal sealed partial class RqVaeOptionsValidator : IValidateOptions<RqVaeOptions>;

internal sealed class RqVaeOptionsRules : IValidateOptions<RqVaeOptions>
{
    public ValidateOptionsResult Validate(string? name, RqVaeOptions options)
    {
        var errors = new List<string>();
        errors.AddRange(LevelRules.Check(nameof(options.CodebookSizes), options.CodebookSizes));
        if (options.HiddenWidths?.Any(width => width is < 1 or > 1 << 16) == true)
        {
            errors.Add($"HiddenWidths [{string.Join(", ", options.HiddenWidths)}] must lie between 1 and {1 << 16}.");
        }

        if (options.SinkhornEpsilons is { Count: > 0 } epsilons && options.CodebookSizes is not null
            && (epsilons.Count != options.CodebookSizes.Count || epsilons.Any(epsilon => !(epsilon >= 0 && epsilon < 1e6))))
        {
            errors.Add(
                $"SinkhornEpsilons [{string.Join(", ", epsilons)}] must have one number, at least 0, "
                + $"for each of the {options.CodebookSizes.Count} CodebookSizes.");
        }

        if (options.Training?.Problem() is { } problem)
        {
            errors.Add(problem);
        }

        return errors.Count > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}
