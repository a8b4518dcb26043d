namespace MiniOneRec.Cli.Tests;

/// <summary>A shop with a finished run, made once for the tests of a class.</summary>
public sealed class TrainedShop : IAsyncLifetime, IDisposable
{
    /// <summary>Gets the shop.</summary>
    public Shop Shop { get; } = new();

    /// <summary>Gets the folder of the run.</summary>
    public string Run => Shop.In("run");

    /// <summary>Gets the command of a run.</summary>
    public string[] Command(string folder, params string[] more) =>
        ["run", .. Shop.Data, "--preset", "smoke", "--skip-rl", "--baselines", "popularity", "--output", Shop.In(folder), .. more];

    public async Task InitializeAsync()
    {
        var (code, _, error) = await Shop.RunAsync(Command("run"));
        Assert.True(code == 0, error);
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => Shop.Dispose();
}
