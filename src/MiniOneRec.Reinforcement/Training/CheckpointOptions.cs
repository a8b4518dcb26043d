using System.ComponentModel.DataAnnotations;

namespace MiniOneRec.Reinforcement;

/// <summary>Configures checkpoints of the training state.</summary>
public sealed class CheckpointOptions
{
    /// <summary>Gets or sets the folder, replaced as a whole at each checkpoint, or <see langword="null"/> for no checkpoints.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? Folder { get; set; }

    /// <summary>Gets or sets after how many steps a checkpoint is written; one is also written on cancellation.</summary>
    /// <value>The default is 50.</value>
    [Range(1, int.MaxValue)]
    public int EverySteps { get; set; } = 50;

    /// <summary>Gets or sets whether training continues from the folder where it exists.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool Resume { get; set; }

    internal CheckpointOptions Copy() => (CheckpointOptions)MemberwiseClone();
}
