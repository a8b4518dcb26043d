namespace MiniOneRec.Stores;

/// <content>The items.</content>
public sealed partial class SqliteStore
{
    private const string LastRevision = "SELECT COALESCE(MAX(revision), 0) FROM items";

    /// <inheritdoc/>
    public Task<long> RevisionAsync(CancellationToken cancellationToken = default) => ReadAsync(
        connection =>
        {
            using var command = Command(connection, null, LastRevision);
            return (long)command.ExecuteScalar()!;
        },
        cancellationToken);

    /// <inheritdoc/>
    public Task<StoredItem?> GetAsync(string id, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(id, "The id of an item");
        return ReadAsync(
            connection =>
            {
                using var command = Command(connection, null, "SELECT body, revision FROM items WHERE id = $id", ("$id", id));
                using var reader = command.ExecuteReader();
                return reader.Read() ? StoreRules.ReadItem(reader.GetString(0), reader.GetInt64(1)) : null;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<long?> TryWriteAsync(IReadOnlyList<StoredItem> items, long expectedRevision, CancellationToken cancellationToken = default)
    {
        StoreRules.Check(items);
        return WriteAsync<long?>(
            (connection, transaction) =>
            {
                using var last = Command(connection, transaction, LastRevision);
                if ((long)last.ExecuteScalar()! != expectedRevision)
                {
                    return null;
                }

                long revision = expectedRevision;
                foreach (var item in items)
                {
                    using var write = Command(connection, transaction, """
                        INSERT INTO items (id, revision, body) VALUES ($id, $revision, $body)
                        ON CONFLICT (id) DO UPDATE SET revision = excluded.revision, body = excluded.body
                        """,
                        ("$id", item.Item.Id), ("$revision", ++revision), ("$body", StoreRules.Write(item)));
                    write.ExecuteNonQuery();
                }

                return revision;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<IReadOnlyList<StoredItem>> ReadChangesAsync(long after, int most, CancellationToken cancellationToken = default) =>
        ReadAsync<IReadOnlyList<StoredItem>>(
            connection =>
            {
                using var command = Command(connection, null,
                    "SELECT body, revision FROM items WHERE revision > $after ORDER BY revision LIMIT $most", ("$after", after), ("$most",
                        most));
                using var reader = command.ExecuteReader();
                var items = new List<StoredItem>();
                while (reader.Read())
                {
                    items.Add(StoreRules.ReadItem(reader.GetString(0), reader.GetInt64(1)));
                }

                return items;
            },
            cancellationToken);
}
