namespace MiniOneRec.Stores.Tests;

/// <summary>What <see cref="SqliteStoreTests"/> starts and kills: a process that appends events and names each one once it is
/// acknowledged.</summary>
internal static class Program
{
    private static async Task Main(string[] arguments)
    {
        using var store = new SqliteStore(new SqliteStoreOptions { Path = arguments[0] });
        await store.InitializeAsync();
        for (int i = 0; ; i++)
        {
            string item = $"{arguments[1]}-{i}";
            await store.AppendAsync(new EventBatch([new StoredEvent("ann", item) { EventId = item, TimeMilliseconds = i }]));
            await Console.Out.WriteLineAsync(item);
        }
    }
}
