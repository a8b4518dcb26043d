namespace MiniOneRec.Modeling;

/// <summary>What one call of a client has in flight.</summary>
/// <param name="requests">How many requests it asks.</param>
internal sealed class ServingCall(int requests)
{
    /// <summary>Gets the requests that it put into the queue.</summary>
    public List<PendingRequest> Pending { get; } = [];

    /// <summary>Gets or sets the answers to come, or <see langword="null"/> where the call failed before all were asked for.</summary>
    public Task<RecommendationResult>[]? Answers { get; set; }

    /// <summary>Gets or sets how many requests the fallback answers.</summary>
    public int ByFallback { get; set; }

    /// <summary>Gets or sets why the call failed, as an outcome.</summary>
    public string? Refused { get; set; }

    /// <summary>Counts how the requests ended.</summary>
    public void Count(RecommenderTelemetry telemetry)
    {
        if (Answers is null)
        {
            telemetry.Ended(Refused ?? "failed", requests);
            return;
        }

        int answered = 0;
        foreach (var answer in Answers)
        {
            if (answer.IsCompletedSuccessfully)
            {
                answered++;
            }
            else
            {
                telemetry.Ended(answer.Exception?.InnerException is { } error ? RecommenderTelemetry.OutcomeOf(error) : "cancelled");
            }
        }

        int others = Math.Min(ByFallback, answered);
        telemetry.Ended("fallback", others);
        telemetry.Ended("answered", answered - others);
    }
}
