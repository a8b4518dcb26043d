using System.Runtime.CompilerServices;
using Npgsql;
using NpgsqlTypes;

namespace MiniOneRec.Stores.PostgreSql;

/// <summary>Keeps histories, items and the parts of models in PostgreSQL, shared by several replicas.</summary>
/// <remarks>
/// Tables <c>minionerec_events</c>, <c>minionerec_batches</c>, <c>minionerec_items</c>, <c>minionerec_model_parts</c> and
/// <c>minionerec_meta</c> are made in the first schema of the connection's search path. Each call is one transaction; a
/// completed write is as durable as the server's <c>synchronous_commit</c>.
/// </remarks>
public sealed partial class PostgreSqlStore : IHistoryStore, IItemStore, IModelPartStore, IAsyncDisposable, IDisposable
{
    private const string Columns = "user_id, item_id, event_id, event_type, time_ms, weight, recommendation_id";

    private const string Schema = """
        SELECT pg_advisory_xact_lock(7210461);
        CREATE TABLE IF NOT EXISTS minionerec_events (
            seq bigserial PRIMARY KEY, user_id text COLLATE "C" NOT NULL, item_id text NOT NULL, event_id text UNIQUE, event_type text,
            time_ms bigint NOT NULL, weight double precision, recommendation_id text);
        CREATE INDEX IF NOT EXISTS minionerec_events_of_user ON minionerec_events (user_id, time_ms, seq);
        CREATE TABLE IF NOT EXISTS minionerec_batches (
            key text PRIMARY KEY, hash text NOT NULL, accepted integer NOT NULL, duplicates integer NOT NULL, time_ms bigint NOT NULL);
        CREATE INDEX IF NOT EXISTS minionerec_batches_by_time ON minionerec_batches (time_ms);
        CREATE TABLE IF NOT EXISTS minionerec_items (id text COLLATE "C" PRIMARY KEY, revision bigint NOT NULL UNIQUE, body text NOT NULL);
        CREATE TABLE IF NOT EXISTS minionerec_model_parts (deployment text PRIMARY KEY, revision bigint NOT NULL, body text NOT NULL);
        CREATE TABLE IF NOT EXISTS minionerec_meta (name text PRIMARY KEY, value bigint NOT NULL);
        INSERT INTO minionerec_meta (name, value) VALUES ('revision', 0) ON CONFLICT DO NOTHING;
        """;

    private readonly NpgsqlDataSource _source;
    private readonly TimeProvider _time;

    /// <summary>Makes a store; the server is not asked before <see cref="InitializeAsync"/>.</summary>
    /// <param name="connectionString">The connection, for example <c>Host=db;Database=shop;Username=shop;Password=…</c>.</param>
    /// <param name="time">The clock by which keys of batches grow old.</param>
    /// <exception cref="ArgumentException">The connection cannot be read.</exception>
    public PostgreSqlStore(string connectionString, TimeProvider? time = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(connectionString);
        (_source, _time) = (NpgsqlDataSource.Create(connectionString), time ?? TimeProvider.System);
    }

    /// <inheritdoc cref="IHistoryStore.InitializeAsync"/>
    /// <exception cref="IOException">The server cannot be reached, or refuses to make the tables.</exception>
    public async Task InitializeAsync(CancellationToken cancellationToken = default)
    {
        try
        {
            await using var connection = await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
            await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
            await using var command = new NpgsqlCommand(Schema, connection, transaction);
            await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
            await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        }
        catch (NpgsqlException e)
        {
            throw new IOException($"PostgreSQL cannot be used as a store: {e.Message}", e);
        }
    }

    /// <inheritdoc/>
    public async Task<AppendResult> AppendAsync(EventBatch batch, CancellationToken cancellationToken = default)
    {
        StoreRules.Check(batch);
        while (true)
        {
            try
            {
                return await AppendOnceAsync(batch, cancellationToken).ConfigureAwait(false);
            }
            catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.DeadlockDetected)
            {
                // Two batches hold keys of each other's events; the server ended this one, and it stored nothing.
            }
        }
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredEvent>> ReadAsync(string userId, int most, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(userId, "The user");
        await using var command = _source.CreateCommand(
            $"SELECT {Columns} FROM minionerec_events WHERE user_id = $1 ORDER BY time_ms DESC, seq DESC LIMIT $2");
        command.Parameters.Add(Value(userId));
        command.Parameters.Add(Value(most));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var events = new List<StoredEvent>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            events.Add(Read(reader));
        }

        events.Reverse();
        return events;
    }

    /// <inheritdoc/>
    public async Task<long> EraseAsync(string userId, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(userId, "The user");
        await using var command = _source.CreateCommand("DELETE FROM minionerec_events WHERE user_id = $1");
        command.Parameters.Add(Value(userId));
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await using var command = _source.CreateCommand($"SELECT {Columns} FROM minionerec_events ORDER BY user_id, time_ms, seq");
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            yield return Read(reader);
        }
    }

    /// <inheritdoc/>
    public async Task<long> CountAsync(CancellationToken cancellationToken = default)
    {
        await using var command = _source.CreateCommand("SELECT COUNT(*) FROM minionerec_events");
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    /// <summary>Closes the connections.</summary>
    public void Dispose() => _source.Dispose();

    /// <summary>Closes the connections.</summary>
    public ValueTask DisposeAsync() => _source.DisposeAsync();

    private async Task<AppendResult> AppendOnceAsync(EventBatch batch, CancellationToken cancellationToken)
    {
        await using var connection = await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        if (batch.Key is not null && await ClaimAsync(connection, transaction, batch,
            cancellationToken).ConfigureAwait(false) is { } before)
        {
            return before;
        }

        int accepted = await InsertAsync(connection, transaction, batch.Events, cancellationToken).ConfigureAwait(false);
        if (batch.Key is not null)
        {
            await using var counts = new NpgsqlCommand(
                "UPDATE minionerec_batches SET accepted = $2, duplicates = $3 WHERE key = $1", connection, transaction)
            {
                Parameters = { Value(batch.Key), Value(accepted), Value(batch.Events.Count - accepted) },
            };
            await counts.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return new AppendResult(accepted, batch.Events.Count - accepted, Repeated: false);
    }

    /// <summary>Writes the key of a batch, or returns what became of the batch that has it. A second writer of the same key waits here for
    /// the first.</summary>
    private async Task<AppendResult?> ClaimAsync(NpgsqlConnection connection, NpgsqlTransaction transaction, EventBatch batch,
        CancellationToken cancellationToken)
    {
        long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
        await using (var old = new NpgsqlCommand("DELETE FROM minionerec_batches WHERE time_ms < $1", connection, transaction)
        {
            Parameters = { Value(now - (long)StoreRules.KeysAreKept.TotalMilliseconds) },
        })
        {
            await old.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        await using (var claim = new NpgsqlCommand("""
            INSERT INTO minionerec_batches (key, hash, accepted, duplicates, time_ms) VALUES ($1, $2, 0, 0, $3) ON CONFLICT (key) DO NOTHING
            """, connection, transaction) { Parameters = { Value(batch.Key!), Value(batch.ContentHash!), Value(now) } })
        {
            if (await claim.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 1)
            {
                return null;
            }
        }

        await using var known = new NpgsqlCommand("SELECT hash, accepted, duplicates FROM minionerec_batches WHERE key = $1", connection,
            transaction) { Parameters = { Value(batch.Key!) } };
        await using var reader = await known.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        await reader.ReadAsync(cancellationToken).ConfigureAwait(false);
        return reader.GetString(0) == batch.ContentHash
            ? new AppendResult(reader.GetInt32(1), reader.GetInt32(2), Repeated: true)
            : throw new IdempotencyConflictException();
    }

    private static async Task<int> InsertAsync(NpgsqlConnection connection, NpgsqlTransaction transaction,
        IReadOnlyList<StoredEvent> events, CancellationToken cancellationToken)
    {
        await using var insert = new NpgsqlCommand($"""
            INSERT INTO minionerec_events ({Columns})
            SELECT u, i, e, t, m, w, r FROM unnest($1, $2, $3, $4, $5, $6, $7) WITH ORDINALITY AS rows (u, i, e, t, m, w, r,
                place) ORDER BY place
            ON CONFLICT (event_id) DO NOTHING
            """, connection, transaction)
        {
            Parameters =
            {
                Array(NpgsqlDbType.Text, events.Select(one => one.UserId).ToArray()),
                Array(NpgsqlDbType.Text, events.Select(one => one.ItemId).ToArray()),
                Array(NpgsqlDbType.Text, events.Select(one => one.EventId).ToArray()),
                Array(NpgsqlDbType.Text, events.Select(one => one.EventType).ToArray()),
                Array(NpgsqlDbType.Bigint, events.Select(one => one.TimeMilliseconds).ToArray()),
                Array(NpgsqlDbType.Double, events.Select(one => one.Weight).ToArray()),
                Array(NpgsqlDbType.Text, events.Select(one => one.RecommendationId).ToArray()),
            },
        };
        return await insert.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
    }

    private static StoredEvent Read(NpgsqlDataReader reader) => new(reader.GetString(0), reader.GetString(1))
    {
        EventId = reader.IsDBNull(2) ? null : reader.GetString(2),
        EventType = reader.IsDBNull(3) ? null : reader.GetString(3),
        TimeMilliseconds = reader.GetInt64(4),
        Weight = reader.IsDBNull(5) ? null : reader.GetDouble(5),
        RecommendationId = reader.IsDBNull(6) ? null : reader.GetString(6),
    };

    private static NpgsqlParameter Value<T>(T value) => new NpgsqlParameter<T> { TypedValue = value };

    private static NpgsqlParameter Array(NpgsqlDbType element, object values) =>
        new() { Value = values, NpgsqlDbType = NpgsqlDbType.Array | element };
}
