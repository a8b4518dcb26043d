using System.Globalization;
using StackExchange.Redis;

namespace MiniOneRec.Stores.Redis;

/// <content>The parts of models.</content>
public sealed partial class RedisStore
{
    /// <inheritdoc/>
    public async Task<ModelParts> ReadPartsAsync(string deployment, CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(deployment, "The deployment");
        string? body = await Database.HashGetAsync(Key("models"), deployment).WaitAsync(cancellationToken).ConfigureAwait(false);
        return body is null ? new ModelParts()
            : StoreRules.ReadParts(body[Digits..], long.Parse(body.AsSpan(0, Digits), NumberStyles.None, CultureInfo.InvariantCulture));
    }

    /// <inheritdoc/>
    public async Task<long?> TryWritePartsAsync(string deployment, ModelParts parts, long expectedRevision,
        CancellationToken cancellationToken = default)
    {
        StoreRules.CheckKey(deployment, "The deployment");
        RedisValue[] values = [deployment, expectedRevision, StoreRules.Write(parts)];
        long revision = (long)await Database.ScriptEvaluateAsync(RedisScripts.WriteParts, [Key("models")], values)
            .WaitAsync(cancellationToken).ConfigureAwait(false);
        return revision < 0 ? null : revision;
    }
}
