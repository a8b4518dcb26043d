using MiniOneRec.Stores.Redis;

namespace MiniOneRec.Stores.Tests;

public sealed class RedisStoreTests(RedisServer server) : StoreContract, IClassFixture<RedisServer>
{
    private readonly string _prefix = $"test-{Guid.NewGuid():n}";

    protected override string? Missing => server.Missing;

    protected override Task<object> OpenAsync() => Task.FromResult<object>(new RedisStore(server.Configuration, _prefix));

    [Fact]
    public async Task Initialize_NoServer_SaysSo()
    {
        await using var store = new RedisStore($"127.0.0.1:{ServerProcess.FreePort()},connectTimeout=500");

        var error = await Assert.ThrowsAsync<IOException>(() => store.InitializeAsync());

        Assert.Contains("Redis", error.Message, StringComparison.Ordinal);
    }
}
