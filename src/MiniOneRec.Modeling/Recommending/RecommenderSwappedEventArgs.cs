namespace MiniOneRec.Modeling;

/// <summary>Describes a change of the served version.</summary>
/// <param name="version">The version that serves now.</param>
/// <param name="previous">The version before it, or <see langword="null"/> for none.</param>
public sealed class RecommenderSwappedEventArgs(string version, string? previous) : EventArgs
{
    /// <summary>Gets the version that serves now.</summary>
    public string Version { get; } = version;

    /// <summary>Gets the version before it, or <see langword="null"/> for none.</summary>
    public string? Previous { get; } = previous;

    /// <summary>Gets how long loading took.</summary>
    public TimeSpan LoadTime { get; init; }

    /// <summary>Gets how long warming up took.</summary>
    public TimeSpan WarmUpTime { get; init; }
}
