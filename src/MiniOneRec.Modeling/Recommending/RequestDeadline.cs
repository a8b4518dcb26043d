using System.Diagnostics;

namespace MiniOneRec.Modeling;

/// <summary>Turns the deadline of a request and the option's time limit into one timestamp of the monotonic clock.</summary>
internal static class RequestDeadline
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(40);               // what a timer can wait

    /// <summary>Gets when a request that arrives now is late, or <see langword="null"/> for never.</summary>
    /// <param name="request">The request.</param>
    /// <param name="timeoutMilliseconds">The recommender's limit; 0 for none.</param>
    public static long? Of(RecommendationRequest request, int timeoutMilliseconds)
    {
        TimeSpan? left = timeoutMilliseconds > 0 ? TimeSpan.FromMilliseconds(timeoutMilliseconds) : null;
        if (request.Deadline is { } deadline)
        {
            var own = deadline - TimeProvider.System.GetUtcNow();
            left = left < own ? left : own;
        }

        return left is { } time && time < Longest ? Stopwatch.GetTimestamp() + (long)(time.TotalSeconds * Stopwatch.Frequency) : null;
    }

    /// <summary>Gets the time that is left, at least zero.</summary>
    public static TimeSpan Left(long due) =>
        TimeSpan.FromSeconds(Math.Max(0, due - Stopwatch.GetTimestamp()) / (double)Stopwatch.Frequency);

    /// <summary>Makes the exception for a request that is late.</summary>
    public static TimeoutException Late() => new(
        $"The request was not answered by its deadline ({nameof(RecommendationRequest)}.{nameof(RecommendationRequest.Deadline)} or "
        + $"{nameof(RecommenderOptions)}.{nameof(RecommenderOptions.TimeoutMilliseconds)}).");
}
