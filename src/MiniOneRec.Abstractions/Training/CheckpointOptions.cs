using System.ComponentModel;
using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>Configures the checkpoints of a training run, in every trainer.</summary>
public sealed record CheckpointOptions
{
    /// <summary>Gets or sets the folder of the checkpoints, or <see langword="null"/> for none.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public string? Folder { get; set; }

    /// <summary>
    /// Gets or sets the interval between checkpoints, in steps (fine-tuning, reinforcement) or epochs (quantizers); one more is written
    /// when a run is cancelled or ends.
    /// </summary>
    /// <value>The default is <see langword="null"/>: 500 steps in fine-tuning, 50 in reinforcement, 100 epochs in quantizers, or as many
    /// as have 5,000 steps where these are fewer.</value>
    [Range(1, int.MaxValue)]
    public int? Every { get; set; }

    /// <summary>Gets or sets whether a run continues from the checkpoint that it finds in the folder; otherwise it starts anew and replaces
    /// it.</summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool Resume { get; set; } = true;

    /// <summary>Gets or sets <see cref="Every"/> by its old name.</summary>
    [Obsolete("Use Every.")]
    [EditorBrowsable(EditorBrowsableState.Never)]
    [OldName("Every")]
    [JsonIgnore]
    public int EverySteps
    {
        get => Every ?? 50;
        set => Every = value;
    }
}
