namespace MiniOneRec.Training.Distributed;

/// <summary>Configures <see cref="NcclProcessGroup"/>.</summary>
public sealed class NcclOptions
{
    /// <summary>Gets or sets the NCCL library.</summary>
    /// <value>A path or name. The default is <see langword="null"/>: <c>MINIONEREC_NCCL</c>, else <c>libnccl.so.2</c>, else the NCCL inside
    /// <c>libtorch_cuda.so</c>.</value>
    public string? Library { get; set; }

    /// <summary>Gets or sets how long an operation may take, the wait for slower processes included.</summary>
    /// <value>The default is 10 minutes. It must be positive.</value>
    public TimeSpan Deadline { get; set; } = TimeSpan.FromMinutes(10);
}
