using System.Text.Json;

namespace MiniOneRec.AspNetCore;

/// <summary>Body of <c>POST /v1/recommend</c>: one query, or several under <c>requests</c>.</summary>
internal sealed record RecommendCall : RecommendQuery
{
    /// <summary>Gets several queries in place of one.</summary>
    public IReadOnlyList<RecommendQuery>? Requests { get; init; }
}

/// <summary>One query.</summary>
internal record RecommendQuery
{
    /// <summary>Gets the items of the user, oldest first; without it the history of <see cref="UserId"/> is read from the store.</summary>
    public IReadOnlyList<string>? History { get; init; }

    /// <summary>Gets the user.</summary>
    public string? UserId { get; init; }

    /// <summary>Gets how many items are wanted, 10 by default.</summary>
    public int? Count { get; init; }

    /// <summary>Gets items that must not be recommended.</summary>
    public IReadOnlyList<string>? Exclude { get; init; }

    /// <summary>Gets a test of attributes, for example <c>{"price": {"lt": 20}, "brand": "Acme"}</c>.</summary>
    public JsonElement? Where { get; init; }

    /// <summary>Gets what is added to the scores of items that pass a test.</summary>
    public IReadOnlyList<BoostRule>? Boost { get; init; }

    /// <summary>Gets whether items of the history, and all stored of the user, are left out.</summary>
    public bool? ExcludeSeen { get; init; }

    /// <summary>Gets the place that asks, for example <c>home</c>; figures are kept by it.</summary>
    public string? Scenario { get; init; }

    /// <summary>Gets whether each item comes with log-probabilities of its codes and what reached it.</summary>
    public bool? Explain { get; init; }

    /// <summary>Gets after how many milliseconds the answer is of no use.</summary>
    public int? DeadlineMilliseconds { get; init; }

    /// <summary>Gets the model that answers, in place of the one that traffic goes to.</summary>
    public string? Model { get; init; }
}

/// <summary>Adds to the scores of items that pass a test.</summary>
/// <param name="Where">The test.</param>
/// <param name="Add">What is added, in nats; may be negative.</param>
internal sealed record BoostRule(JsonElement Where, double Add);

/// <summary>Answer to one query.</summary>
internal sealed record RecommendAnswer
{
    /// <summary>Gets the key of the answer; events that follow it name it.</summary>
    public required string RecommendationId { get; init; }

    /// <summary>Gets the model that answered.</summary>
    public required string Model { get; init; }

    /// <summary>Gets a hash of the model's files.</summary>
    public required string ModelRevision { get; init; }

    /// <summary>Gets the revision of the catalogue.</summary>
    public required string CatalogRevision { get; init; }

    /// <summary>Gets the items, best first.</summary>
    public required IReadOnlyList<RecommendedItem> Items { get; init; }

    /// <summary>Gets how many items of the history are unknown.</summary>
    public int SkippedHistoryItems { get; init; }

    /// <summary>Gets how many items fewer than asked for there are.</summary>
    public int Shortfall { get; init; }
}

/// <summary>Answers to several queries, in their order.</summary>
/// <param name="Results">The answers.</param>
internal sealed record RecommendAnswers(IReadOnlyList<RecommendAnswer> Results);

/// <summary>One item of an answer.</summary>
/// <param name="Id">The item.</param>
/// <param name="Score">Higher is better, in nats.</param>
/// <param name="SemanticId">The codes that were written.</param>
internal sealed record RecommendedItem(string Id, double Score, string? SemanticId)
{
    /// <summary>Gets the title, where one is known.</summary>
    public string? Title { get; init; }

    /// <summary>Gets why the item is here, where that was asked for.</summary>
    public ItemReason? Why { get; init; }
}

/// <summary>Why an item is in an answer.</summary>
/// <param name="Codes">The codes, from the general to the special.</param>
/// <param name="TerminatorLogProbability">Of what closes the semantic ID, in nats.</param>
/// <param name="ReachedBy">The source with the largest part of the mixture.</param>
/// <param name="Sources">What was mixed.</param>
internal sealed record ItemReason(IReadOnlyList<CodeReason> Codes, double TerminatorLogProbability, string ReachedBy,
    IReadOnlyList<SourceReason> Sources);

/// <summary>One code.</summary>
/// <param name="Code">Its token, for example <c>&lt;a_12&gt;</c>.</param>
/// <param name="LogProbability">In nats, given the codes before it.</param>
internal sealed record CodeReason(string Code, double LogProbability);

/// <summary>One of the distributions that decoding mixes.</summary>
/// <param name="Source"><c>codes</c>, <c>dense</c> or the class of a prior.</param>
/// <param name="Weight">Its share.</param>
/// <param name="Probability">What it gives the item.</param>
internal sealed record SourceReason(string Source, double Weight, double Probability);

/// <summary>Body of <c>POST /v1/similar</c>.</summary>
internal sealed record SimilarQuery
{
    /// <summary>Gets the item.</summary>
    public string? ItemId { get; init; }

    /// <summary>Gets how many items are wanted, 10 by default.</summary>
    public int? Count { get; init; }

    /// <summary>Gets a test of attributes.</summary>
    public JsonElement? Where { get; init; }

    /// <summary>Gets the model whose semantic IDs count.</summary>
    public string? Model { get; init; }
}

/// <summary>Answer of <c>POST /v1/similar</c>.</summary>
/// <param name="Model">The model.</param>
/// <param name="CatalogRevision">The revision of the catalogue.</param>
/// <param name="Items">The items, nearest first.</param>
internal sealed record SimilarAnswer(string Model, string CatalogRevision, IReadOnlyList<SimilarItem> Items);

/// <summary>One similar item.</summary>
/// <param name="Id">The item.</param>
/// <param name="SharedCodes">How many codes, from the first, are the same.</param>
/// <param name="SemanticId">The item's semantic ID.</param>
internal sealed record SimilarItem(string Id, int SharedCodes, string SemanticId)
{
    /// <summary>Gets the squared distance of the two reconstructed vectors, where the quantizer is loaded.</summary>
    public double? Distance { get; init; }

    /// <summary>Gets the title, where one is known.</summary>
    public string? Title { get; init; }
}
