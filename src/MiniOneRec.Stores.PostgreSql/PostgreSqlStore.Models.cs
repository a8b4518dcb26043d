namespace MiniOneRec.Stores.PostgreSql;

/// <content>The parts of models.</content>
public sealed partial class PostgreSqlStore
{
    /// <inheritdoc/>
    public async Task<ModelParts> ReadPartsAsync(string deployment, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(deployment, "The deployment");
        await using var command = _source.CreateCommand("SELECT body, revision FROM minionerec_model_parts WHERE deployment = $1");
        command.Parameters.Add(Value(deployment));
        await using var reader = await command.ExecuteReaderAsync(cancellationToken).ConfigureAwait(false);
        return await reader.ReadAsync(cancellationToken).ConfigureAwait(false)
            ? StoreRules.ReadParts(reader.GetString(0), reader.GetInt64(1)) : new ModelParts();
    }

    /// <inheritdoc/>
    public async Task<long?> TryWritePartsAsync(string deployment, ModelParts parts, long expectedRevision,
        CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(deployment, "The deployment");
        await using var command = _source.CreateCommand(expectedRevision == 0
            ? "INSERT INTO minionerec_model_parts (deployment, revision, body) VALUES ($1, $3 + 1, $2) ON CONFLICT DO NOTHING"
            : "UPDATE minionerec_model_parts SET revision = revision + 1, body = $2 WHERE deployment = $1 AND revision = $3");
        command.Parameters.Add(Value(deployment));
        command.Parameters.Add(Value(StoreRules.Write(parts)));
        command.Parameters.Add(Value(expectedRevision));
        return await command.ExecuteNonQueryAsync(cancellationToken).ConfigureAwait(false) == 1 ? expectedRevision + 1 : null;
    }
}
