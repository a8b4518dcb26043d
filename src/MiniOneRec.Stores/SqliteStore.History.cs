using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;

namespace MiniOneRec.Stores;

/// <content>The events.</content>
public sealed partial class SqliteStore
{
    private const string Columns = "user_id, item_id, event_id, event_type, time_ms, weight, recommendation_id";
    private const int UsersAtOnce = 256;

    /// <inheritdoc/>
    public Task<AppendResult> AppendAsync(EventBatch batch, CancellationToken cancellationToken = default)
    {
        StoreRules.Check(batch);
        return WriteAsync((connection, transaction) => Append(connection, transaction, batch), cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredEvent>> ReadAsync(string userId, int most, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(userId, "The user");
        return ReadAsync<IReadOnlyList<StoredEvent>>(
            connection =>
            {
                using var command = Command(connection, null,
                    $"SELECT {Columns} FROM events WHERE user_id = $user ORDER BY time_ms DESC, seq DESC LIMIT $most",
                    ("$user", userId), ("$most", most));
                var events = ReadEvents(command);
                events.Reverse();
                return events;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<long> EraseAsync(string userId, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(userId, "The user");
        return WriteAsync(
            (connection, transaction) =>
            {
                using var command = Command(connection, transaction, "DELETE FROM events WHERE user_id = $user", ("$user", userId));
                return (long)command.ExecuteNonQuery();
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public async IAsyncEnumerable<StoredEvent> ReadAllAsync([EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string after = "";
        while (true)
        {
            string start = after;
            var page = await ReadAsync(connection => ReadUsers(connection, start), cancellationToken).ConfigureAwait(false);
            foreach (var one in page)
            {
                cancellationToken.ThrowIfCancellationRequested();
                yield return one;
            }

            if (page.Count == 0)
            {
                yield break;
            }

            after = page[^1].UserId;
        }
    }

    /// <inheritdoc/>
    public Task<long> CountAsync(CancellationToken cancellationToken = default) => ReadAsync(
        connection =>
        {
            using var command = Command(connection, null, "SELECT COUNT(*) FROM events");
            return (long)command.ExecuteScalar()!;
        },
        cancellationToken);

    private AppendResult Append(SqliteConnection connection, SqliteTransaction transaction, EventBatch batch)
    {
        if (batch.Key is not null)
        {
            using var known = Command(connection, transaction, "SELECT hash, accepted, duplicates FROM batches WHERE key = $key",
                ("$key", batch.Key));
            using var reader = known.ExecuteReader();
            if (reader.Read())
            {
                return reader.GetString(0) == batch.ContentHash
                    ? new AppendResult(reader.GetInt32(1), reader.GetInt32(2), Repeated: true)
                    : throw new IdempotencyConflictException();
            }
        }

        int accepted = 0;
        using var insert = Command(connection, transaction, $"""
            INSERT INTO events ({Columns}) VALUES ($user, $item, $event, $type, $time, $weight,
                $recommendation) ON CONFLICT (event_id) DO NOTHING
            """);
        string[] names = ["$user", "$item", "$event", "$type", "$time", "$weight", "$recommendation"];
        var parameters = Array.ConvertAll(names, name => insert.Parameters.Add(new SqliteParameter { ParameterName = name }));
        foreach (var one in batch.Events)
        {
            object?[] values = [one.UserId, one.ItemId, one.EventId, one.EventType, one.TimeMilliseconds, one.Weight, one.RecommendationId];
            for (int i = 0; i < values.Length; i++)
            {
                parameters[i].Value = values[i] ?? DBNull.Value;
            }

            accepted += insert.ExecuteNonQuery();
        }

        if (batch.Key is not null)
        {
            long now = _time.GetUtcNow().ToUnixTimeMilliseconds();
            using var keep = Command(connection, transaction, """
                DELETE FROM batches WHERE time_ms < $old;
                INSERT INTO batches (key, hash, accepted, duplicates, time_ms) VALUES ($key, $hash, $accepted, $duplicates, $now)
                """,
                ("$old", now - (long)StoreRules.KeysAreKept.TotalMilliseconds), ("$key", batch.Key), ("$hash", batch.ContentHash),
                ("$accepted", accepted), ("$duplicates", batch.Events.Count - accepted), ("$now", now));
            keep.ExecuteNonQuery();
        }

        return new AppendResult(accepted, batch.Events.Count - accepted, Repeated: false);
    }

    private static List<StoredEvent> ReadUsers(SqliteConnection connection, string after)
    {
        using var command = Command(connection, null, $"""
            SELECT {Columns} FROM events
            WHERE user_id > $after AND user_id <= (SELECT MAX(user_id) FROM (
                SELECT DISTINCT user_id FROM events WHERE user_id > $after ORDER BY user_id LIMIT $users))
            ORDER BY user_id, time_ms, seq
            """,
            ("$after", after), ("$users", UsersAtOnce));
        return ReadEvents(command);
    }

    private static List<StoredEvent> ReadEvents(SqliteCommand command)
    {
        using var reader = command.ExecuteReader();
        var events = new List<StoredEvent>();
        while (reader.Read())
        {
            events.Add(new StoredEvent(reader.GetString(0), reader.GetString(1))
            {
                EventId = reader.IsDBNull(2) ? null : reader.GetString(2),
                EventType = reader.IsDBNull(3) ? null : reader.GetString(3),
                TimeMilliseconds = reader.GetInt64(4),
                Weight = reader.IsDBNull(5) ? null : reader.GetDouble(5),
                RecommendationId = reader.IsDBNull(6) ? null : reader.GetString(6),
            });
        }

        return events;
    }
}
