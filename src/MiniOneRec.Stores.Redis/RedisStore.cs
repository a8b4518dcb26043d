using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json;
using StackExchange.Redis;

namespace MiniOneRec.Stores.Redis;

/// <summary>Keeps histories, items and the parts of models in Redis, shared by several replicas.</summary>
/// <remarks>
/// Each write is one script, so it happens as a whole. All keys have one hash tag and so lie on one node of a cluster. What a completed
/// write survives is the server's choice: with
/// <c>appendonly yes</c> and <c>appendfsync always</c> a loss of power, with <c>everysec</c> the end of the process, without a log nothing.
/// </remarks>
public sealed partial class RedisStore : IHistoryStore, IItemStore, IModelPartStore, IAsyncDisposable, IDisposable
{
    private const int Digits = 16;
    private const int PageSize = 1_000;
    private readonly string _configuration;
    private readonly string _prefix;
    private ConnectionMultiplexer? _connection;

    /// <summary>Makes a store; the server is not asked before <see cref="InitializeAsync"/>.</summary>
    /// <param name="configuration">The connection, for example <c>cache:6379,password=…</c>.</param>
    /// <param name="prefix">What all keys begin with.</param>
    public RedisStore(string configuration, string prefix = "minionerec")
    {
        ArgumentException.ThrowIfNullOrEmpty(configuration);
        ArgumentException.ThrowIfNullOrEmpty(prefix);
        (_configuration, _prefix) = (configuration, $"{{{prefix}}}:");
    }

    private IDatabase Database => _connection?.GetDatabase()
        ?? throw new InvalidOperationException($"The store is not open; call {nameof(InitializeAsync)} first.");

    /// <inheritdoc cref="IHistoryStore.InitializeAsync"/>
    /// <exception cref="IOException">The server cannot be reached.</exception>
    public async Task InitializeAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            _connection ??= await ConnectionMultiplexer.ConnectAsync(_configuration).WaitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (RedisConnectionException e)
        {
            throw new IOException($"Redis cannot be used as a store: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async Task<AppendResult> AppendAsync(EventBatch batch, CancellationToken cancellationToken = default)
    {
        StoreRules.Check(batch);
        var values = new List<RedisValue>(3 + (4 * batch.Events.Count))
        {
            _prefix + "h:", batch.ContentHash is { } hash && batch.Key is not null ? hash : "", (long)StoreRules.KeysAreKept.TotalSeconds,
        };
        foreach (var one in batch.Events)
        {
            values.AddRange([one.UserId, one.TimeMilliseconds, one.EventId ?? "", JsonSerializer.Serialize(one,
                StoresJsonContext.Default.StoredEvent)]);
        }

        var answer = (RedisValue[])(await Database.ScriptEvaluateAsync(RedisScripts.Append,
            [Key("b:" + batch.Key), Key("users"), Key("ids"), Key("seq"), Key("count")],
                [.. values]).WaitAsync(cancellationToken).ConfigureAwait(false))!;
        return (int)answer[0] >= 0
            ? new AppendResult((int)answer[0], (int)answer[1], (int)answer[2] == 1)
            : throw new IdempotencyConflictException();
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredEvent>> ReadAsync(string userId, int most, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(userId, "The user");
        var members = await Database.SortedSetRangeByRankAsync(Key("h:" + userId), 0, most - 1,
            Order.Descending).WaitAsync(cancellationToken)
            .ConfigureAwait(false);
        return [.. members.Reverse().Select(member => ReadEvent(member!))];
    }

    /// <inheritdoc/>
    public async Task<long> EraseAsync(string userId, CancellationToken cancellationToken = default)
    {
        var events = await ReadAsync(userId, int.MaxValue, cancellationToken).ConfigureAwait(false);
        RedisValue[] values = [userId, .. events.Where(one => one.EventId is not null).Select(one => (RedisValue)one.EventId!)];
        return (long)await Database.ScriptEvaluateAsync(RedisScripts.Erase,
            [Key("h:" + userId), Key("users"), Key("ids"), Key("count")], values).WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        // A scan may name a user twice; the names are sorted, so that every store reads in one order.
        var users = new SortedSet<string>(StringComparer.Ordinal);
        await foreach (var user in Database.SetScanAsync(Key("users"),
            pageSize: PageSize).WithCancellation(cancellationToken).ConfigureAwait(false))
        {
            users.Add(user!);
        }

        foreach (string user in users)
        {
            foreach (var one in await ReadAsync(user, int.MaxValue, cancellationToken).ConfigureAwait(false))
            {
                yield return one;
            }
        }
    }

    /// <inheritdoc/>
    public async Task<long> CountAsync(CancellationToken cancellationToken = default) =>
        (long)await Database.StringGetAsync(Key("count")).WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async Task<long> RevisionAsync(CancellationToken cancellationToken = default) =>
        (long)await Database.StringGetAsync(Key("revision")).WaitAsync(cancellationToken).ConfigureAwait(false);

    /// <inheritdoc/>
    public async Task<StoredItem?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(id, "The id of an item");
        string? body = await Database.HashGetAsync(Key("items"), id).WaitAsync(cancellationToken).ConfigureAwait(false);
        return body is null ? null : ReadItem(body);
    }

    /// <inheritdoc/>
    public async Task<long?> TryWriteAsync(IReadOnlyList<StoredItem> items, long expectedRevision,
        CancellationToken cancellationToken = default)
    {
        StoreRules.Check(items);
        RedisValue[] values = [expectedRevision, .. items.SelectMany(item => new RedisValue[] { item.Item.Id, StoreRules.Write(item) })];
        long revision = (long)await Database.ScriptEvaluateAsync(RedisScripts.Write, [Key("items"), Key("changes"), Key("revision")],
            values)
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        return revision < 0 ? null : revision;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredItem>> ReadChangesAsync(long after, int most, CancellationToken cancellationToken = default)
    {
        var changes = await Database.SortedSetRangeByScoreWithScoresAsync(Key("changes"), after, double.PositiveInfinity, Exclude.Start,
            take: most).WaitAsync(cancellationToken).ConfigureAwait(false);
        if (changes.Length == 0)
        {
            return [];
        }

        var bodies = await Database.HashGetAsync(Key("items"), [.. changes.Select(change => change.Element)]).WaitAsync(cancellationToken)
            .ConfigureAwait(false);

        // An item that was written again between the two calls has a later revision: the caller reads it with the later ones.
        return
        [
            .. changes.Zip(bodies, (change, body) => (change.Score, Item: ReadItem(body!)))
                .Where(pair => pair.Item.Revision == (long)pair.Score).Select(pair => pair.Item),
        ];
    }

    /// <summary>Closes the connection.</summary>
    public void Dispose() => _connection?.Dispose();

    /// <summary>Closes the connection.</summary>
    public async ValueTask DisposeAsync()
    {
        if (_connection is { } connection)
        {
            await connection.DisposeAsync().ConfigureAwait(false);
        }
    }

    private static StoredEvent ReadEvent(string member)
    {
        try
        {
            return JsonSerializer.Deserialize(member.AsSpan(Digits), StoresJsonContext.Default.StoredEvent)
                ?? throw new InvalidDataException("An event of the store is null.");
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"An event of the store cannot be read: {e.Message}", e);
        }
    }

    private static StoredItem ReadItem(string body) =>
        StoreRules.ReadItem(body[Digits..], long.Parse(body.AsSpan(0, Digits), NumberStyles.None, CultureInfo.InvariantCulture));

    private RedisKey Key(string name) => _prefix + name;
}
