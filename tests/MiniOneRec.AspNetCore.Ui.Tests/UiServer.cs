using Microsoft.Playwright;
using MiniOneRec.AspNetCore.Tests;

namespace MiniOneRec.AspNetCore.Ui.Tests;

/// <summary>The toy shop's server and Debian's Chromium, started once for all tests of the page.</summary>
public sealed class UiServer : IAsyncLifetime
{
    private const string Chromium = "/usr/bin/chromium";
    private readonly ToyShop _shop = new();
    private ShopServer? _server;
    private IPlaywright? _playwright;

    /// <summary>Gets why there is no browser, or null.</summary>
    public string? Missing { get; private set; }

    internal Uri Address => _server!.Client.BaseAddress!;

    internal ShopServer Server => _server!;

    internal IBrowser Browser { get; private set; } = null!;

    public async Task InitializeAsync()
    {
        if (!File.Exists(Chromium))
        {
            Missing = "The Debian package chromium is not installed; .ci/install-services installs it.";
            Assert.False(Environment.GetEnvironmentVariable("MINIONEREC_REQUIRE_DATA") == "1", Missing);
            return;
        }

        await _shop.InitializeAsync();
        _server = await ShopServer.StartAsync(
            _shop, [("Serving:Anonymous", "Recommend, Events")], kestrel: true);
        _playwright = await Playwright.CreateAsync();
        Browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = Chromium, Args = ["--no-sandbox", "--disable-gpu"] });
    }

    public async Task DisposeAsync()
    {
        if (Missing is not null)
        {
            return;
        }

        await Browser.DisposeAsync();
        _playwright!.Dispose();
        await _server!.DisposeAsync();
        await _shop.DisposeAsync();
    }
}
