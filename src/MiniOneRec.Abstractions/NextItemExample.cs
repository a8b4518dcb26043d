using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>A history and the item that followed it: one row of a training, validation or test set.</summary>
/// <param name="UserId">The user's key.</param>
/// <param name="History">Item ids, oldest first; may be empty.</param>
/// <param name="Target">The item that came next.</param>
public sealed record NextItemExample(string UserId, IReadOnlyList<string> History, string Target)
{
    /// <summary>Gets the Unix time of the target in seconds, or <see langword="null"/> where the source has no times.</summary>
    public long? Timestamp { get; init; }

    /// <summary>Gets one Unix time in seconds per item of the history, or <see langword="null"/> where the source has no times.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<long>? HistoryTimestamps { get; init; }

    /// <summary>Gets the type of the target's interaction, or <see langword="null"/> where the source has no types.</summary>
    public string? EventType { get; init; }

    /// <summary>Gets the weight of the target's interaction, or <see langword="null"/> where the source has no weights.</summary>
    public double? Weight { get; init; }
}
