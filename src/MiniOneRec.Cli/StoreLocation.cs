using MiniOneRec.Stores;
using MiniOneRec.Stores.PostgreSql;
using MiniOneRec.Stores.Redis;

namespace MiniOneRec.Cli;

/// <summary>Where histories and items are: a SQLite file, or a server.</summary>
internal static class StoreLocation
{
    private const string PostgreSql = "postgresql:";
    private const string Redis = "redis:";

    /// <summary>What a location may be, for help texts.</summary>
    public const string Expected = "A SQLite file, postgresql:CONNECTION or redis:CONNECTION.";

    /// <summary>Makes the store of a location; it is an <see cref="IHistoryStore"/>, an <see cref="IItemStore"/> and disposable.</summary>
    public static object Open(string location) =>
        location.StartsWith(PostgreSql, StringComparison.OrdinalIgnoreCase) ? new PostgreSqlStore(location[PostgreSql.Length..])
        : location.StartsWith(Redis, StringComparison.OrdinalIgnoreCase) ? new RedisStore(location[Redis.Length..])
        : new SqliteStore(new SqliteStoreOptions { Path = location });

    /// <summary>Checks that what is read from exists.</summary>
    /// <exception cref="FileNotFoundException">There is no such file.</exception>
    public static string Existing(string location)
    {
        bool server = location.StartsWith(PostgreSql, StringComparison.OrdinalIgnoreCase)
            || location.StartsWith(Redis, StringComparison.OrdinalIgnoreCase);
        return server || File.Exists(location) ? location
            : throw new FileNotFoundException($"There is no store '{Path.GetFullPath(location)}'.", location);
    }
}
