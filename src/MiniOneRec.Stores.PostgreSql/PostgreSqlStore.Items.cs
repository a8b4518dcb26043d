using Npgsql;

namespace MiniOneRec.Stores.PostgreSql;

/// <content>The items.</content>
public sealed partial class PostgreSqlStore
{
    private const string LastRevision = "SELECT value FROM minionerec_meta WHERE name = 'revision'";

    /// <inheritdoc/>
    public async Task<long> RevisionAsync(CancellationToken cancellationToken = default)
    {
        await using var command = _source.CreateCommand(LastRevision);
        return (long)(await command.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))!;
    }

    /// <inheritdoc/>
    public async Task<StoredItem?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(id, "The id of an item");
        await using var command = _source.CreateCommand("SELECT body, revision FROM minionerec_items WHERE id = $1");
        command.Parameters.Add(Value(id));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
            ? StoreRules.ReadItem(reader.GetString(0), reader.GetInt64(1)) : null;
    }

    /// <inheritdoc/>
    public async Task<long?> TryWriteAsync(IReadOnlyList<StoredItem> items, long expectedRevision,
        CancellationToken cancellationToken = default)
    {
        StoreRules.Check(items);
        await using var connection = await _source.OpenConnectionAsync(cancellationToken).ConfigureAwait(false);
        await using var transaction = await connection.BeginTransactionAsync(cancellationToken).ConfigureAwait(false);
        await using (var last = new NpgsqlCommand(LastRevision + " FOR UPDATE", connection, transaction))
        {
            if ((long)(await last.ExecuteScalarAsync(cancellationToken).ConfigureAwait(false))! != expectedRevision)
            {
                return null;
            }
        }

        long revision = expectedRevision;
        foreach (var item in items)
        {
            await using var write = new NpgsqlCommand("""
                INSERT INTO minionerec_items (id, revision, body) VALUES ($1, $2, $3)
                ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, body = excluded.body
                """, connection, transaction) { Parameters = { Value(item.Item.Id), Value(++revision), Value(StoreRules.Write(item)) } };
            await write.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        await using (var moved = new NpgsqlCommand("UPDATE minionerec_meta SET value = $1 WHERE name = 'revision'", connection, transaction)
        {
            Parameters = { Value(revision) },
        })
        {
            await moved.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false);
        }

        await transaction.CommitAsync(cancellationToken).ConfigureAwait(false);
        return revision;
    }

    /// <inheritdoc/>
    public async Task<IReadOnlyList<StoredItem>> ReadChangesAsync(long after, int most, CancellationToken cancellationToken = default)
    {
        await using var command = _source.CreateCommand(
            "SELECT body, revision FROM minionerec_items WHERE revision > $1 ORDER BY revision LIMIT $2");
        command.Parameters.Add(Value(after));
        command.Parameters.Add(Value(most));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        var items = new List<StoredItem>();
        while (await reader.ReadAsync(cancellationToken).ConfigureAwait(false))
        {
            items.Add(StoreRules.ReadItem(reader.GetString(0), reader.GetInt64(1)));
        }

        return items;
    }
}
