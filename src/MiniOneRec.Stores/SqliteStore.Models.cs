namespace MiniOneRec.Stores;

/// <content>The parts of models.</content>
public sealed partial class SqliteStore
{
    /// <inheritdoc/>
    public Task<ModelParts> ReadPartsAsync(string deployment, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(deployment, "The deployment");
        return ReadAsync(
            connection =>
            {
                using var command = Command(connection, null, "SELECT body, revision FROM model_parts WHERE deployment = $deployment",
                    ("$deployment", deployment));
                using var reader = command.ExecuteReader();
                return reader.Read() ? StoreRules.ReadParts(reader.GetString(0), reader.GetInt64(1)) : new ModelParts();
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public Task<long?> TryWritePartsAsync(string deployment, ModelParts parts, long expectedRevision,
        CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(deployment, "The deployment");
        string body = StoreRules.Write(parts);
        return WriteAsync<long?>(
            (connection, transaction) =>
            {
                using var write = Command(connection, transaction, expectedRevision == 0
                    ? "INSERT INTO model_parts (deployment, revision, body) VALUES ($deployment, 1, $body) ON CONFLICT DO NOTHING"
                    : "UPDATE model_parts SET revision = revision + 1, body = $body "
                        + "WHERE deployment = $deployment AND revision = $expected",
                    ("$deployment", deployment), ("$body", body), ("$expected", expectedRevision));
                return write.ExecuteNonQuery() == 1 ? expectedRevision + 1 : null;
            },
            cancellationToken);
    }
}
