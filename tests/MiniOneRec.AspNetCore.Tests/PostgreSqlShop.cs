using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Stores.PostgreSql;

namespace MiniOneRec.AspNetCore.Tests;

/// <summary>The toy shop on PostgreSQL.</summary>
internal static class PostgreSqlShop
{
    /// <summary>Keeps histories, items and parts of models in a database.</summary>
    public static Action<IServiceCollection> On(string connection) => services =>
    {
        services.AddSingleton(_ => new PostgreSqlStore(connection));
        services.AddSingleton<IHistoryStore>(provider => provider.GetRequiredService<PostgreSqlStore>());
        services.AddSingleton<IItemStore>(provider => provider.GetRequiredService<PostgreSqlStore>());
    };
}
