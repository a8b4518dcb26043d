using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Baselines;

/// <summary>Configures <see cref="HstuTrainer"/>.</summary>
public sealed class HstuOptions : SequentialModelOptions
{
    /// <summary>Makes the defaults: sampled softmax over 128 drawn items, width 64, dropout 0.2, no weight decay, batches of 128.</summary>
    public HstuOptions()
    {
        (Loss, Negatives) = (NextItemLoss.SampledSoftmax, 128);
        (HiddenSize, Dropout, WeightDecay, BatchSize) = (64, 0.2, 0, 128);
    }

    /// <summary>Gets or sets the number of blocks.</summary>
    /// <value>The default is 2.</value>
    [Range(1, 256)]
    public int Layers { get; set; } = 2;

    /// <summary>Gets or sets H, the number of heads; divides <see cref="SequentialModelOptions.HiddenSize"/>.</summary>
    /// <value>The default is 2.</value>
    [Range(1, 256)]
    public int Heads { get; set; } = 2;

    /// <summary>Gets or sets what the cosine of user and item is divided by.</summary>
    /// <value>The default is 0.05.</value>
    [Range(1e-4, 100.0)]
    public double Temperature { get; set; } = 0.05;

    /// <summary>
    /// Gets or sets whether attention depends on the time between two items; <see langword="null"/> for where every training sequence has
    /// <see cref="UserSequence.Timestamps"/>. A saved recommender holds what was decided.
    /// </summary>
    /// <value>The default is <see langword="null"/>.</value>
    public bool? TimeBias { get; set; }

    internal HstuOptions Validated() => OptionsValidation.Validated(this, new HstuOptionsValidator(), new HstuOptionsRules());
}

[OptionsValidator]
internal sealed partial class HstuOptionsValidator : IValidateOptions<HstuOptions>;

internal sealed class HstuOptionsRules : IValidateOptions<HstuOptions>
{
    public ValidateOptionsResult Validate(string? name, HstuOptions options) =>
        options.Heads > 0 && options.HiddenSize % options.Heads != 0
            ? ValidateOptionsResult.Fail($"HiddenSize {options.HiddenSize} must be a multiple of Heads {options.Heads}.")
            : ValidateOptionsResult.Success;
}
