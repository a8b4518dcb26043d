namespace MiniOneRec.Cli.Tests;

/// <summary>A shop with a finished run, made once for all tests that look at one and leave it as it is.</summary>
public sealed class TrainedShop : IAsyncLifetime, IDisposable
{
    /// <summary>Gets the shop.</summary>
    public Shop Shop { get; } = new();

    /// <summary>Gets the folder of the run.</summary>
    public string Run => Shop.In("run");

    /// <summary>Gets what the run wrote to standard output.</summary>
    public string Output { get; private set; } = "";

    /// <summary>Gets the weights that the run ended with.</summary>
    public byte[] Model => File.ReadAllBytes(Shop.In("run/model/model.safetensors"));

    /// <summary>Gets the command of a run.</summary>
    public string[] Command(string folder, params string[] more) =>
        ["run", .. Shop.Data, "--preset", "smoke", "--skip-rl", "--baselines", "popularity", "--output", Shop.In(folder), .. more];

    public async Task InitializeAsync()
    {
        var (code, output, error) = await Shop.RunAsync(Command("run"));
        Assert.True(code == 0, error);
        Output = output;
    }

    public Task DisposeAsync() => Task.CompletedTask;

    public void Dispose() => Shop.Dispose();
}

/// <summary>The tests that share the finished run.</summary>
[CollectionDefinition(Name)]
public sealed class TrainedShops : ICollectionFixture<TrainedShop>
{
    public const string Name = "trained shop";
}
