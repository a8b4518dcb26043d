using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Stores.PostgreSql;
using MiniOneRec.Stores.Redis;

namespace MiniOneRec.Stores.Tests;

/// <summary>What the READMEs of the packages show; compiled, and not run: it names servers that are not here.</summary>
internal static class ServerSnippets
{
    public static void PostgreSql(IServiceCollection services)
    {
        var store = new PostgreSqlStore("Host=db;Database=shop;Username=shop;Password=secret");
        services.AddSingleton<IHistoryStore>(store).AddSingleton<IItemStore>(store);
    }

    public static void Redis(IServiceCollection services)
    {
        var store = new RedisStore("cache:6379");
        services.AddSingleton<IHistoryStore>(store).AddSingleton<IItemStore>(store);
    }
}
