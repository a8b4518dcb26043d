using System.Diagnostics;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Stores.Tests;

public sealed class SqliteStoreTests : StoreContract
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-sqlite-").FullName;

    private string Database => Path.Combine(_folder, "sub", "store.db");

    protected override Task<object> OpenAsync() =>
        Task.FromResult<object>(new SqliteStore(new SqliteStoreOptions { Path = Database, Durability = SqliteDurability.Process }));

    public override async Task DisposeAsync()
    {
        await base.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public async Task Initialize_AFileThatIsNoDatabase_IsRefusedByName()
    {
        string path = Path.Combine(_folder, "text.db");
        await File.WriteAllTextAsync(path, new string('x', 4_096));
        using var store = new SqliteStore(new SqliteStoreOptions { Path = path });

        var error = await Assert.ThrowsAsync<IOException>(() => store.InitializeAsync());

        Assert.Contains("text.db", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Read_BeforeInitialize_SaysWhatToCall()
    {
        using var store = new SqliteStore(new SqliteStoreOptions { Path = Path.Combine(_folder, "other.db") });

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => store.CountAsync());

        Assert.Contains("InitializeAsync", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_OutOfRange_AreRefused() =>
        Assert.Throws<OptionsValidationException>(() => new SqliteStore(new SqliteStoreOptions { Path = "", BusyMilliseconds = 0 }));

    [Fact]
    public async Task Append_AcknowledgedBeforeKill_IsThereOnceAfterwards()
    {
        // Another process appends and writes a line for each acknowledged event; it is killed while it works.
        string path = Path.Combine(_folder, "killed.db");
        var acknowledged = new List<string>();
        for (int round = 0; round < 3; round++)
        {
            using var writer = Process.Start(new ProcessStartInfo(
                "dotnet", [typeof(SqliteStoreTests).Assembly.Location, path, $"{round}"])
            {
                RedirectStandardOutput = true,
            })!;
            for (int i = 0; i < 40 + (round * 17); i++)
            {
                acknowledged.Add((await writer.StandardOutput.ReadLineAsync())!);
            }

            writer.Kill();
            acknowledged.AddRange((await writer.StandardOutput.ReadToEndAsync()).Split('\n',
                StringSplitOptions.RemoveEmptyEntries).SkipLast(1));
            await writer.WaitForExitAsync();
        }

        using var store = new SqliteStore(new SqliteStoreOptions { Path = path });
        await store.InitializeAsync();
        string[] stored = [.. (await store.ReadAllAsync().ToArrayAsync()).Select(one => one.ItemId)];

        Assert.Empty(acknowledged.Except(stored));
        Assert.Equal(stored.Length, stored.Distinct().Count());
    }
}
