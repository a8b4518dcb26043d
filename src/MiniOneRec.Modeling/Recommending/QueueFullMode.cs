namespace MiniOneRec.Modeling;

/// <summary>Names what happens to a request for which the queue has no room.</summary>
public enum QueueFullMode
{
    /// <summary>It waits for room, first come, first served.</summary>
    Wait,

    /// <summary>It is refused at once with a <see cref="RecommendationQueueFullException"/>.</summary>
    Reject,
}
