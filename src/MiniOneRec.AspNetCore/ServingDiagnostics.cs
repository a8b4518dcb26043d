namespace MiniOneRec.AspNetCore;

/// <summary>Names the meter and the source of activities of the server, for listeners and dashboards.</summary>
public static class ServingDiagnostics
{
    /// <summary>The meter.</summary>
    public const string MeterName = "MiniOneRec.AspNetCore";

    /// <summary>The source of the activities <c>MiniOneRec.Request</c> (a request, below the web server's) and <c>MiniOneRec.Store</c>
    /// (what it asks of a store). Queue, batch and search are activities of <see cref="Modeling.RecommenderDiagnostics"/>.</summary>
    public const string ActivitySourceName = "MiniOneRec.AspNetCore";

    /// <summary>Counts requests, by <c>route</c> and <c>status</c>.</summary>
    public const string Requests = "minionerec.http.requests";

    /// <summary>Time of a request in seconds, by <c>route</c>.</summary>
    public const string Duration = "minionerec.http.duration";

    /// <summary>Counts answers, by <c>model</c>, <c>scenario</c> and <c>masked</c> (whether a test or an exclusion cut the tree).</summary>
    public const string Recommendations = "minionerec.http.recommendations";

    /// <summary>Counts answers that were followed by an event of one of their items, by <c>model</c> and <c>scenario</c>.</summary>
    public const string Hits = "minionerec.http.hits";

    /// <summary>Counts events, by <c>outcome</c>: <c>accepted</c>, <c>duplicate</c>, <c>refused</c>.</summary>
    public const string Events = "minionerec.http.events";

    /// <summary>Share of an answer's items that the shadow model gives too, by <c>model</c>.</summary>
    public const string ShadowOverlap = "minionerec.http.shadow.overlap";

    /// <summary>Counts requests that the shadow model was asked, by <c>model</c> and <c>outcome</c>.</summary>
    public const string ShadowRequests = "minionerec.http.shadow.requests";

    /// <summary>Revision of the item store that is served.</summary>
    public const string CatalogRevision = "minionerec.http.catalog.revision";

    /// <summary>Items that a model can recommend, by <c>model</c>, <c>revision</c> and <c>role</c>.</summary>
    public const string Items = "minionerec.http.model.items";

    /// <summary>Counts failed readings of the store's changes.</summary>
    public const string SyncFailures = "minionerec.http.sync.failures";

    /// <summary>Resident memory, in bytes.</summary>
    public const string Resident = "minionerec.http.memory.resident";

    /// <summary>Bytes in use of the C library's heap, where tensors are.</summary>
    public const string NativeInUse = "minionerec.http.memory.native";

    /// <summary>Bytes that are kept of users' last prompts, by <c>model</c>.</summary>
    public const string Prompts = "minionerec.http.memory.prompts";

    /// <summary>Tensors that exist.</summary>
    public const string Tensors = "minionerec.http.memory.tensors";
}
