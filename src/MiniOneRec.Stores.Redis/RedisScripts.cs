namespace MiniOneRec.Stores.Redis;

/// <summary>What must happen in one step on the server.</summary>
internal static class RedisScripts
{
    /// <summary>
    /// Appends a batch. Keys: batch or empty, users, event ids, sequence, count. Arguments: prefix of histories, hash, seconds that a key
    /// is kept, then per event: user, time, event id or
    /// empty, body. Returns accepted, duplicates, whether repeated; −1 for a conflict.
    /// </summary>
    public const string Append = """
        if ARGV[2] ~= '' then
            local known = redis.call('HMGET', KEYS[1], 'hash', 'accepted', 'duplicates')
            if known[1] then
                if known[1] ~= ARGV[2] then return {-1, 0, 0} end
                return {tonumber(known[2]), tonumber(known[3]), 1}
            end
        end
        local accepted, total = 0, 0
        for i = 4, #ARGV, 4 do
            total = total + 1
            local new = true
            if ARGV[i + 2] ~= '' then new = redis.call('HSETNX', KEYS[3], ARGV[i + 2], ARGV[i]) == 1 end
            if new then
                local seq = redis.call('INCR', KEYS[4])
                redis.call('ZADD', ARGV[1] .. ARGV[i], ARGV[i + 1], string.format('%016d', seq) .. ARGV[i + 3])
                redis.call('SADD', KEYS[2], ARGV[i])
                accepted = accepted + 1
            end
        end
        redis.call('INCRBY', KEYS[5], accepted)
        if ARGV[2] ~= '' then
            redis.call('HSET', KEYS[1], 'hash', ARGV[2], 'accepted', accepted, 'duplicates', total - accepted)
            redis.call('EXPIRE', KEYS[1], ARGV[3])
        end
        return {accepted, total - accepted, 0}
        """;

    /// <summary>Erases a user. Keys: history, users, event ids, count. Arguments: the user, then the ids of the user's events. Returns how
    /// many events there were.</summary>
    public const string Erase = """
        local count = redis.call('ZCARD', KEYS[1])
        redis.call('DEL', KEYS[1])
        redis.call('SREM', KEYS[2], ARGV[1])
        for i = 2, #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) end
        redis.call('DECRBY', KEYS[4], count)
        return count
        """;

    /// <summary>Writes items. Keys: items, changes, revision. Arguments: the expected revision, then per item: id, body. Returns the last
    /// revision, or −1 where it is another.</summary>
    public const string Write = """
        local revision = tonumber(redis.call('GET', KEYS[3]) or '0')
        if revision ~= tonumber(ARGV[1]) then return -1 end
        for i = 2, #ARGV, 2 do
            revision = revision + 1
            redis.call('HSET', KEYS[1], ARGV[i], string.format('%016d', revision) .. ARGV[i + 1])
            redis.call('ZADD', KEYS[2], revision, ARGV[i])
        end
        redis.call('SET', KEYS[3], revision)
        return revision
        """;

    /// <summary>Writes the parts of models. Key: models. Arguments: the deployment, the expected revision, body. Returns the revision, or
    /// −1 where it is another.</summary>
    public const string WriteParts = """
        local known = redis.call('HGET', KEYS[1], ARGV[1])
        local revision = known and tonumber(string.sub(known, 1, 16)) or 0
        if revision ~= tonumber(ARGV[2]) then return -1 end
        redis.call('HSET', KEYS[1], ARGV[1], string.format('%016d', revision + 1) .. ARGV[3])
        return revision + 1
        """;
}
