using System.Text.Json;

namespace MiniOneRec.AspNetCore;

/// <summary>One line of <c>POST /v1/events</c>.</summary>
internal sealed record EventLine
{
    /// <summary>Gets the sender's key of the event.</summary>
    public string? Id { get; init; }

    /// <summary>Gets the user.</summary>
    public string? UserId { get; init; }

    /// <summary>Gets the item.</summary>
    public string? ItemId { get; init; }

    /// <summary>Gets the type, for example <c>view</c>.</summary>
    public string? Type { get; init; }

    /// <summary>Gets when it happened: Unix milliseconds or ISO 8601; by default now.</summary>
    public JsonElement? Time { get; init; }

    /// <summary>Gets the weight.</summary>
    public double? Weight { get; init; }

    /// <summary>Gets the recommendation that the event followed.</summary>
    public string? RecommendationId { get; init; }
}

/// <summary>Answer of <c>POST /v1/events</c>.</summary>
/// <param name="Accepted">How many events were stored.</param>
/// <param name="Duplicates">How many were there already.</param>
/// <param name="Repeated">Whether the whole body was sent before under the same key.</param>
internal sealed record EventsAnswer(int Accepted, int Duplicates, bool Repeated);

/// <summary>Answer of <c>GET /v1/users/{id}/history</c>.</summary>
/// <param name="UserId">The user.</param>
/// <param name="Events">The most recent events, oldest first.</param>
internal sealed record HistoryAnswer(string UserId, IReadOnlyList<HistoryEvent> Events);

/// <summary>One event of a history.</summary>
/// <param name="ItemId">The item.</param>
/// <param name="Type">The type.</param>
/// <param name="Time">Unix milliseconds.</param>
/// <param name="Weight">The weight.</param>
internal sealed record HistoryEvent(string ItemId, string? Type, long Time, double? Weight);

/// <summary>Answer of <c>DELETE /v1/users/{id}/history</c>.</summary>
/// <param name="Erased">How many events were deleted.</param>
internal sealed record ErasedAnswer(long Erased);

/// <summary>Body of <c>PUT /v1/items/{id}</c>.</summary>
internal sealed record ItemBody
{
    /// <summary>Gets the title.</summary>
    public string? Title { get; init; }

    /// <summary>Gets the description.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the brand.</summary>
    public string? Brand { get; init; }

    /// <summary>Gets the categories, from the general to the special.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>Gets the attributes.</summary>
    public IReadOnlyDictionary<string, AttributeValue>? Attributes { get; init; }

    /// <summary>Gets the semantic ID of a new item, in place of the one that the quantizer gives.</summary>
    public string? SemanticId { get; init; }
}

/// <summary>An item with its semantic ID.</summary>
/// <param name="Id">The item.</param>
/// <param name="Title">The title.</param>
/// <param name="SemanticId">The semantic ID under the active model, or null where it has none.</param>
/// <param name="CatalogRevision">The revision of the catalogue.</param>
internal sealed record ItemAnswer(string Id, string Title, string? SemanticId, string? CatalogRevision)
{
    /// <summary>Gets the description.</summary>
    public string? Description { get; init; }

    /// <summary>Gets the brand.</summary>
    public string? Brand { get; init; }

    /// <summary>Gets the categories.</summary>
    public IReadOnlyList<string>? Categories { get; init; }

    /// <summary>Gets the attributes.</summary>
    public IReadOnlyDictionary<string, AttributeValue>? Attributes { get; init; }
}

/// <summary>Answer of <c>GET /v1/items</c>.</summary>
/// <param name="Items">The items that match.</param>
internal sealed record ItemsAnswer(IReadOnlyList<ItemAnswer> Items);

/// <summary>Body of <c>POST /v1/models</c>.</summary>
internal sealed record ModelCommand
{
    /// <summary>Gets <c>load</c>, <c>activate</c>, <c>rollback</c>, <c>traffic</c>, <c>shadow</c> or <c>unload</c>.</summary>
    public string? Action { get; init; }

    /// <summary>Gets the name of a folder below the configured root.</summary>
    public string? Model { get; init; }

    /// <summary>Gets the share of users that the model answers, 0 to 1; for <c>traffic</c>.</summary>
    public double? Share { get; init; }
}

/// <summary>Answer of <c>GET /v1/models</c> and <c>POST /v1/models</c>.</summary>
/// <param name="Active">The model that serves.</param>
/// <param name="Previous">The model that a rollback serves again.</param>
/// <param name="Candidate">The model that answers a share of users.</param>
/// <param name="Share">That share.</param>
/// <param name="Shadow">The model whose answers are compared and not given.</param>
/// <param name="Models">The models in memory.</param>
/// <param name="Available">The names that can be loaded.</param>
internal sealed record ModelsAnswer(string? Active, string? Previous, string? Candidate, double Share, string? Shadow,
    IReadOnlyList<ModelState> Models, IReadOnlyList<string> Available);

/// <summary>One model in memory.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Revision">A hash of its files.</param>
/// <param name="Items">How many items it can recommend.</param>
/// <param name="TakesNewItems">Whether it has the quantizer that gives new items semantic IDs.</param>
/// <param name="LoadMilliseconds">How long it took to load and warm up.</param>
/// <param name="Figures">Recommendations and hits by scenario.</param>
internal sealed record ModelState(string Name, string Revision, int Items, bool TakesNewItems, double LoadMilliseconds,
    IReadOnlyList<ScenarioFigures> Figures);

/// <summary>What became of recommendations.</summary>
/// <param name="Scenario">The scenario.</param>
/// <param name="Recommendations">How many were given.</param>
/// <param name="Hits">How many were followed by an event of one of their items.</param>
/// <param name="HitRate">The share.</param>
/// <param name="Low">The lower end of its 95 % interval (Wilson).</param>
/// <param name="High">The upper end.</param>
internal sealed record ScenarioFigures(string Scenario, long Recommendations, long Hits, double HitRate, double Low, double High);

/// <summary>Answer of <c>GET /v1/catalog</c>.</summary>
/// <param name="Revision">The revision.</param>
/// <param name="Model">The model.</param>
/// <param name="Items">How many items can be recommended.</param>
/// <param name="SemanticIds">How many semantic IDs they have.</param>
/// <param name="LevelSizes">The codes of each level.</param>
/// <param name="Added">How many items were added since the model was made.</param>
/// <param name="Removed">How many were removed.</param>
internal sealed record CatalogAnswer(string Revision, string Model, int Items, int SemanticIds, IReadOnlyList<int> LevelSizes, int Added,
    int Removed);

/// <summary>Answer of the health routes.</summary>
/// <param name="Status"><c>live</c>, <c>ready</c>, <c>starting</c> or <c>draining</c>.</param>
internal sealed record HealthAnswer(string Status);
