using MiniOneRec.Training;

namespace MiniOneRec.Alignment;

/// <summary>Where a run of fine-tuning stands.</summary>
internal sealed record SftState : RunState
{
    /// <summary>Gets the epoch of the next batch.</summary>
    public int Epoch { get; init; }

    /// <summary>Gets the next batch within the epoch.</summary>
    public int Batch { get; init; }

    /// <inheritdoc/>
    public override bool IsWhole() => base.IsWhole() && this is { Epoch: >= 0, Batch: >= 0 };
}
