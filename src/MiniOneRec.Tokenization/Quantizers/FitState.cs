using System.Text.Json.Serialization;
using MiniOneRec.Tensors;
using MiniOneRec.Training;

namespace MiniOneRec.Tokenization;

/// <summary>Where the fit of a quantizer stands; within an epoch also what the rest of the epoch depends on.</summary>
internal sealed record FitState : RunState
{
    /// <summary>Gets the time that the first codebooks took, where the fit has a limit of time; else zero.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public TimeSpan Prepared { get; init; }

    /// <summary>Gets the generator's state before the epoch that is under way drew the order of its rows, where no seed gives it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? EpochGenerator { get; init; }

    /// <summary>Gets the generator's state, where the next step depends on it.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public byte[]? Generator { get; init; }

    /// <summary>Gets the losses of the epoch so far, or <see langword="null"/> between epochs.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public float[]? Sums { get; init; }

    /// <summary>Gets what the trainer has counted in the epoch so far.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public long Counted { get; init; }

    /// <inheritdoc/>
    public override bool IsWhole() => base.IsWhole() && Prepared >= TimeSpan.Zero && Counted >= 0
        && (EpochGenerator is null || TorchSeed.IsState(EpochGenerator)) && (Generator is null || TorchSeed.IsState(Generator));
}
