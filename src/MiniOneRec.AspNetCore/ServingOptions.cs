using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.AspNetCore;

/// <summary>Names what a caller may do; a key has one or several.</summary>
[Flags]
public enum ApiScopes
{
    /// <summary>Nothing.</summary>
    None = 0,

    /// <summary>Ask for recommendations, similar items, items and the catalogue.</summary>
    Recommend = 1,

    /// <summary>Send events and read histories.</summary>
    Events = 2,

    /// <summary>Change items and models, and erase histories.</summary>
    Admin = 4,
}

/// <summary>One key of the server.</summary>
public sealed class ApiKeyOptions
{
    /// <summary>Gets or sets the name under which metrics and logs may list the caller; not the key.</summary>
    [Required]
    public string Name { get; set; } = "";

    /// <summary>Gets or sets the key, at least 16 characters, or empty where <see cref="Sha256"/> is set. It is never logged.</summary>
    public string Key { get; set; } = "";

    /// <summary>Gets or sets the SHA-256 of the key in hexadecimal, so that settings need not hold the key itself.</summary>
    public string Sha256 { get; set; } = "";

    /// <summary>Gets or sets what the key allows.</summary>
    /// <value>The default is <see cref="ApiScopes.Recommend"/>.</value>
    public ApiScopes Scopes { get; set; } = ApiScopes.Recommend;
}

/// <summary>Configures the server: section <c>Serving</c>.</summary>
public sealed class ServingOptions
{
    /// <summary>Gets or sets the folder of the model folders; nothing outside of it is ever loaded.</summary>
    /// <value>The default is <c>models</c>.</value>
    [Required]
    public string ModelRoot { get; set; } = "models";

    /// <summary>Gets or sets the model that serves until another is chosen (<c>POST /v1/models</c>): the name of a folder below
    /// <see cref="ModelRoot"/>; empty for none. Replicas with the same value share the choice, which holds over a restart.</summary>
    /// <value>The default is empty.</value>
    public string Model { get; set; } = "";

    /// <summary>Gets or sets the folder below <see cref="ModelRoot"/> that holds <c>catalogue</c> and <c>encoder</c>, which give new items
    /// their semantic IDs; empty for a folder <c>index</c>
    /// beside or within the model's, where there is one.</summary>
    /// <value>The default is empty.</value>
    public string Index { get; set; } = "";

    /// <summary>Gets or sets a file of the items' texts and attributes (<c>.item.json</c>) that the catalogue begins with; empty for
    /// none.</summary>
    /// <value>The default is empty.</value>
    public string Items { get; set; } = "";

    /// <summary>Gets or sets the SQLite file of histories and items, where the application registers no other store.</summary>
    /// <value>The default is <c>minionerec.db</c>.</value>
    [Required]
    public string Database { get; set; } = "minionerec.db";

    /// <summary>Gets or sets the keys.</summary>
    /// <value>The default is none.</value>
    [ValidateEnumeratedItems]
    public IReadOnlyList<ApiKeyOptions> Keys { get; set; } = [];

    /// <summary>Gets or sets what callers without a key may do; never <see cref="ApiScopes.Admin"/>.</summary>
    /// <value>The default is <see langword="null"/>: recommendations and events while there is no key at all, else nothing.</value>
    public ApiScopes? Anonymous { get; set; }

    /// <summary>Gets or sets the largest body of a request, in bytes.</summary>
    /// <value>The default is 1 MiB.</value>
    [Range(1_024, 1 << 30)]
    public int MaxBodyBytes { get; set; } = 1 << 20;

    /// <summary>Gets or sets the largest body of events, in bytes.</summary>
    /// <value>The default is 4 MiB.</value>
    [Range(1_024, 1 << 30)]
    public int MaxEventBytes { get; set; } = 4 << 20;

    /// <summary>Gets or sets how many requests one call may hold.</summary>
    /// <value>The default is 256.</value>
    [Range(1, 100_000)]
    public int MaxRequests { get; set; } = 256;

    /// <summary>Gets or sets how many items one request may ask for.</summary>
    /// <value>The default is 100.</value>
    [Range(1, 1 << 16)]
    public int MaxCount { get; set; } = 100;

    /// <summary>Gets or sets how many items of a history are read, inline or from the store: the most recent ones.</summary>
    /// <value>The default is 1,000.</value>
    [Range(1, 1 << 20)]
    public int MaxHistory { get; set; } = 1_000;

    /// <summary>Gets or sets the types of events that make a history; empty for all.</summary>
    /// <value>The default is empty.</value>
    public IReadOnlyList<string> HistoryTypes { get; set; } = [];

    /// <summary>Gets or sets after how many milliseconds a request that has no answer is refused.</summary>
    /// <value>The default is 5,000.</value>
    [Range(1, 600_000)]
    public int TimeoutMilliseconds { get; set; } = 5_000;

    /// <summary>Gets or sets how often changes of other replicas are read, in milliseconds.</summary>
    /// <value>The default is 1,000.</value>
    [Range(10, 600_000)]
    public int SyncMilliseconds { get; set; } = 1_000;

    /// <summary>Gets or sets how many models may be in memory at once.</summary>
    /// <value>The default is 4.</value>
    [Range(1, 64)]
    public int MaxModels { get; set; } = 4;

    /// <summary>Gets or sets by how many seconds the time of an event may lie ahead of the server's clock.</summary>
    /// <value>The default is 300.</value>
    [Range(0, 86_400)]
    public int MaxFutureSeconds { get; set; } = 300;

    /// <summary>Gets or sets how many recommendations are remembered to see whether an event follows them.</summary>
    /// <value>The default is 100,000.</value>
    [Range(0, 10_000_000)]
    public int RememberedRecommendations { get; set; } = 100_000;

    internal ApiScopes AnonymousScopes => Anonymous ?? (Keys.Count == 0 ? ApiScopes.Recommend | ApiScopes.Events : ApiScopes.None);
}

[OptionsValidator]
internal sealed partial class ServingOptionsValidator : IValidateOptions<ServingOptions>;

/// <summary>Checks what several options together must keep to.</summary>
internal sealed class ServingOptionsRules : IValidateOptions<ServingOptions>
{
    private const int ShortestKey = 16;

    public ValidateOptionsResult Validate(string? name, ServingOptions options)
    {
        var failures = new List<string>();
        if (options.Anonymous?.HasFlag(ApiScopes.Admin) == true)
        {
            failures.Add("Anonymous contains Admin; changing items and models always needs a key (Keys).");
        }

        for (int i = 0; i < options.Keys.Count; i++)
        {
            var key = options.Keys[i];
            if (key.Name.Length == 0)
            {
                failures.Add($"Keys:{i} has no Name.");
            }

            if (key.Key.Length == 0 == (key.Sha256.Length == 0))
            {
                failures.Add($"Keys:{i} ('{key.Name}') needs either Key or Sha256.");
            }
            else if (key.Key.Length is > 0 and < ShortestKey)
            {
                failures.Add($"Keys:{i} ('{key.Name}') has a Key of {key.Key.Length} characters; expected at least {ShortestKey}.");
            }
            else if (key.Sha256.Length > 0 && (key.Sha256.Length != 64 || !key.Sha256.All(char.IsAsciiHexDigit)))
            {
                failures.Add($"Keys:{i} ('{key.Name}') has a Sha256 of {key.Sha256.Length} characters; expected 64 hexadecimal digits.");
            }

            if (key.Scopes == ApiScopes.None || (key.Scopes & ~(ApiScopes.Recommend | ApiScopes.Events | ApiScopes.Admin)) != 0)
            {
                failures.Add($"Keys:{i} ('{key.Name}') has the Scopes {key.Scopes}; expected some of Recommend, Events, Admin.");
            }
        }

        failures.AddRange(options.Keys.GroupBy(key => key.Name).Where(group => group.Count() > 1)
            .Select(group => $"{group.Count()} Keys have the Name '{group.Key}'."));
        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
