using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Reinforcement;

/// <summary>Names the sources of rejected completions.</summary>
public enum RejectedSource
{
    /// <summary>Drawn evenly from the catalogue's semantic IDs.</summary>
    Random,

    /// <summary>Completions that the policy itself writes and that are wrong.</summary>
    Rollouts,
}

/// <summary>Configures <see cref="PreferenceTrainer"/>.</summary>
public sealed class PreferenceOptions : PolicyTrainingOptions
{
    /// <summary>Gets or sets M, the rejected completions per prompt: 1 is DPO, more are S-DPO.</summary>
    /// <value>The default is 3.</value>
    [Range(1, 1024)]
    public int RejectedCount { get; set; } = 3;

    /// <summary>Gets or sets where rejected completions come from.</summary>
    /// <value>The default is <see cref="RejectedSource.Random"/>.</value>
    [EnumDataType(typeof(RejectedSource))]
    public RejectedSource Rejected { get; set; } = RejectedSource.Random;

    /// <summary>Gets or sets β, the sharpness of the implied reward.</summary>
    /// <value>The default is 0.1.</value>
    [Range(1e-6, 1e3)]
    public double Beta { get; set; } = 0.1;
}

[OptionsValidator]
internal sealed partial class PreferenceOptionsValidator : IValidateOptions<PreferenceOptions>;

internal sealed class PreferenceOptionsRules : IValidateOptions<PreferenceOptions>
{
    public ValidateOptionsResult Validate(string? name, PreferenceOptions options) =>
        options.Reference?.Kind == ReferenceKind.None
            ? ValidateOptionsResult.Fail("Reference.Kind None leaves a preference loss without its reference.")
        : options.Reference is { SyncEverySteps: > 0, Kind: not ReferenceKind.FrozenCopy } ? ValidateOptionsResult.Fail(
            $"Reference.SyncEverySteps {options.Reference.SyncEverySteps} needs Reference.Kind FrozenCopy, not {options.Reference.Kind}.")
        : options.Check(rewards: false).ToArray() is { Length: > 0 } failures ? ValidateOptionsResult.Fail(failures)
        : ValidateOptionsResult.Success;
}
