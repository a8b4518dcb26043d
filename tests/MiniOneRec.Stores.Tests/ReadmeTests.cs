namespace MiniOneRec.Stores.Tests;

public sealed class ReadmeTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-stores-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Readme_IsTheCompiledProgram() =>
        Snippets.AssertReadme("MiniOneRec.Stores", "tests/MiniOneRec.Stores.Tests/ReadmeTests.cs");

    [Fact]
    public async Task Readme_Runs()
    {
        string before = Environment.CurrentDirectory;
        Environment.CurrentDirectory = _folder;
        try
        {
            #region README
            using var store = new SqliteStore(new SqliteStoreOptions { Path = "shop.db" });
            await store.InitializeAsync();
            await store.AppendAsync(new EventBatch([new StoredEvent("ann", "tent") { EventType = "view", TimeMilliseconds = 0 }]));
            foreach (var one in await store.ReadAsync("ann", most: 20))
            {
                Console.WriteLine($"{one.UserId} {one.EventType} {one.ItemId}");
            }
            #endregion

            Assert.Equal(1, await store.CountAsync());
        }
        finally
        {
            Environment.CurrentDirectory = before;
        }
    }
}
