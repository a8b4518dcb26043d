using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>Describes what a caller wants recommended.</summary>
public sealed record RecommendationRequest
{
    private const int DefaultCount = 10;

    /// <summary>Makes a request for ten items.</summary>
    public RecommendationRequest()
    {
    }

    /// <summary>Makes a request for a number of items.</summary>
    /// <remarks>JSON without a count uses this default; compiled JSON metadata does not know the defaults of init-only
    /// properties.</remarks>
    /// <param name="count">How many items are wanted, at least 1.</param>
    [JsonConstructor]
    public RecommendationRequest(int count = DefaultCount) => Count = count;

    /// <summary>Gets the user's items, oldest first; empty for a new user.</summary>
    public required IReadOnlyList<string> History { get; init; }

    /// <summary>
    /// Gets one Unix time in seconds per item of the history, or <see langword="null"/> where no times are known. Only recommenders that
    /// learned from times read them.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public IReadOnlyList<long>? HistoryTimestamps { get; init; }

    /// <summary>Gets how many items are wanted, at least 1.</summary>
    /// <remarks>
    /// Where fewer items are left than wanted, <see cref="RecommendationResult.Shortfall"/> says how many are missing. A generative
    /// recommender refuses a count above its <c>MaxCount</c>, and one above the size of its catalogue, with an
    /// <see cref="ArgumentException"/>. The catalogue's size does not count up to the default of this property and up to the
    /// <c>BeamWidth</c>: such a request costs no more than another, and a catalogue may shrink while it is served.
    /// </remarks>
    /// <value>The default is 10.</value>
    public int Count { get; init; } = DefaultCount;

    /// <summary>Gets items that must not be recommended, or <see langword="null"/> for none. Unknown ids are ignored.</summary>
    [JsonConverter(typeof(ItemSetJsonConverter))]
    public IReadOnlySet<string>? ExcludedItems { get; init; }

    /// <summary>
    /// Gets a test that an item must pass to be a candidate (category, stock), or <see langword="null"/> for the whole catalogue. It is
    /// code and no part of JSON.
    /// </summary>
    [JsonIgnore]
    public Func<string, bool>? CandidateFilter { get; init; }

    /// <summary>Gets whether the items of the history are left out of the answer, or <see langword="null"/> for what the recommender does
    /// by default.</summary>
    public bool? ExcludeHistory { get; init; }

    /// <summary>Gets until when an answer is of use, or <see langword="null"/> for no limit.</summary>
    /// <remarks>
    /// A generative recommender refuses a request that is late with a <see cref="TimeoutException"/> and does not compute it. Recommenders
    /// that answer at once may ignore the deadline.
    /// </remarks>
    public DateTimeOffset? Deadline { get; init; }

    /// <summary>Gets the user's key for recommenders that know users, or <see langword="null"/>.</summary>
    public string? UserId { get; init; }

    /// <summary>Decides whether an item may be recommended for this request.</summary>
    /// <param name="itemId">The item.</param>
    public bool Allows(string itemId) =>
        ExcludedItems?.Contains(itemId) != true && !(ExcludeHistory == true && History.Contains(itemId))
            && CandidateFilter?.Invoke(itemId) != false;
}

/// <summary>One recommended item.</summary>
/// <param name="ItemId">The item.</param>
/// <param name="Score">Higher is better; a log-probability in nats where the recommender is generative.</param>
/// <param name="SemanticId">The semantic ID that was written, or <see langword="null"/> where the recommender has none.</param>
[JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals | JsonNumberHandling.AllowReadingFromString)]
public sealed record Recommendation(string ItemId, double Score, SemanticId? SemanticId = null);

/// <summary>The answer to one request.</summary>
/// <param name="Items">Distinct items, best first; fewer than asked for only where <see cref="Shortfall"/> says so.</param>
public sealed record RecommendationResult(IReadOnlyList<Recommendation> Items)
{
    /// <summary>Gets how many items of the history were unknown and skipped.</summary>
    public int SkippedHistoryItems { get; init; }

    /// <summary>Gets how many items fewer than asked for the request's constraints left.</summary>
    public int Shortfall { get; init; }
}
