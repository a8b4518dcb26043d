namespace MiniOneRec.Training.Distributed;

/// <summary>Configures <see cref="MpiProcessGroup"/>.</summary>
public sealed class MpiOptions
{
    /// <summary>Gets or sets the MPI library.</summary>
    /// <value>A path or name. The default is <see langword="null"/>: <c>MINIONEREC_MPI</c>, else Open MPI's <c>libmpi.so.40</c> or MPICH's
    /// <c>libmpich.so.12</c> or <c>libmpi.so.12</c>, that of the launcher first.</value>
    public string? Library { get; set; }

    /// <summary>Gets or sets how long an operation may take, the wait for slower processes included.</summary>
    /// <value>The default is 10 minutes. It must be positive.</value>
    public TimeSpan Deadline { get; set; } = TimeSpan.FromMinutes(10);
}
