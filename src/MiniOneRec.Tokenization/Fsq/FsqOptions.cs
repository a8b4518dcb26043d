using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Tokenization;

/// <summary>Configures <see cref="FsqQuantizer"/>.</summary>
public sealed class FsqOptions
{
    /// <summary>Gets or sets the steps of each latent dimension, level by level; K of a level is the product of its steps.</summary>
    /// <value>The default is three levels of 4, 4, 4, 4 steps: 256 codes each.</value>
    [ConfigurationKeyName(ConfigurationNames.SetByCode)]
    [Required]
    public IReadOnlyList<IReadOnlyList<int>> Steps { get; set; } = [[4, 4, 4, 4], [4, 4, 4, 4], [4, 4, 4, 4]];

    /// <summary>Sets <see cref="Steps"/> from configuration, whose list replaces the one that is there; reads as
    /// <see langword="null"/>.</summary>
    [EditorBrowsable(EditorBrowsableState.Never)]
    [ConfigurationKeyName(nameof(Steps))]
    [JsonIgnore]
    public IReadOnlyList<int>[]? StepsFromConfiguration
    {
        get => null;
        set => Steps = value ?? Steps;
    }

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

    /// <summary>Gets or sets how it is trained.</summary>
    [Required]
    [ValidateObjectMembers]
    public QuantizerTrainingOptions Training { get; set; } = new() { Epochs = 500 };
}

[OptionsValidator]
internal sealed partial class FsqOptionsValidator : IValidateOptions<FsqOptions>;

internal sealed class FsqOptionsRules : IValidateOptions<FsqOptions>
{
    public ValidateOptionsResult Validate(string? name, FsqOptions options)
    {
        var errors = new List<string>();
        foreach (var (level, steps) in (options.Steps ?? []).Index())
        {
            if (steps is null || steps.Count is 0 or > 64 || steps.Any(count => count is < 2 or > 4096))
            {
                errors.Add($"Steps of level {level} [{string.Join(", ", steps ?? [])}] must be 1 to 64 numbers between 2 and 4096.");
            }
        }

        if (errors.Count == 0)
        {
            double[] sizes = [.. (options.Steps ?? []).Select(steps => steps.Aggregate(1.0, (product, count) => product * count))];
            errors.AddRange(LevelRules.Check(nameof(options.Steps), [.. sizes.Select(size => (int)Math.Min(size, int.MaxValue))]));
        }

        if (options.HiddenWidths?.Any(width => width is < 1 or > 1 << 16) == true)
        {
            errors.Add($"HiddenWidths [{string.Join(", ", options.HiddenWidths)}] must lie between 1 and {1 << 16}.");
        }

        if (options.Training?.Problem() is { } problem)
        {
            errors.Add(problem);
        }

        return errors.Count > 0 ? ValidateOptionsResult.Fail(errors) : ValidateOptionsResult.Success;
    }
}
