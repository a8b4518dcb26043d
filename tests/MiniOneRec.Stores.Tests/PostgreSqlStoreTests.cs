using MiniOneRec.Stores.PostgreSql;

namespace MiniOneRec.Stores.Tests;

public sealed class PostgreSqlStoreTests(PostgreSqlServer server) : StoreContract, IClassFixture<PostgreSqlServer>
{
    private string? _database;

    protected override string? Missing => server.Missing;

    protected override async Task<object> OpenAsync() => new PostgreSqlStore(_database ??= await server.NewDatabaseAsync());

    [Fact]
    public async Task Initialize_NoServer_SaysSo()
    {
        await using var store = new PostgreSqlStore($"Host=127.0.0.1;Port={ServerProcess.FreePort()};Username=nobody;Timeout=2");

        var error = await Assert.ThrowsAsync<IOException>(() => store.InitializeAsync());

        Assert.Contains("PostgreSQL", error.Message, StringComparison.Ordinal);
    }
}
