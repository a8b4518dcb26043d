namespace MiniOneRec.Modeling;

/// <summary>Thrown where the queue of a recommender is full and <see cref="QueueFullMode.Reject"/> is set. Nothing was computed; try again
/// later.</summary>
public sealed class RecommendationQueueFullException : InvalidOperationException
{
    /// <summary>Makes an exception with a standard message.</summary>
    public RecommendationQueueFullException()
        : base("The recommender's queue is full.")
    {
    }

    /// <summary>Makes an exception with a message.</summary>
    /// <param name="message">The message.</param>
    public RecommendationQueueFullException(string message)
        : base(message)
    {
    }

    /// <summary>Makes an exception with a message and a cause.</summary>
    /// <param name="message">The message.</param>
    /// <param name="innerException">The cause.</param>
    public RecommendationQueueFullException(string message, Exception innerException)
        : base(message, innerException)
    {
    }

    internal RecommendationQueueFullException(int waiting, int requests, int capacity)
        : base(
            $"The queue holds {waiting} requests and has no room for {requests} more; "
            + $"its capacity is {capacity} ({nameof(RecommenderOptions.QueueCapacity)}). Try again later.") =>
        Capacity = capacity;

    /// <summary>Gets how many requests may wait; 0 where unknown.</summary>
    public int Capacity { get; }
}
