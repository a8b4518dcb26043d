using Microsoft.Playwright;
using MiniOneRec.AspNetCore.Tests;

namespace MiniOneRec.AspNetCore.Ui.Tests;

/// <summary>A tab on the page, which remembers what went wrong and where requests went.</summary>
internal sealed class UiPage : IAsyncDisposable
{
    private readonly IBrowserContext _context;
    private readonly Uri _address;
    private readonly List<string> _faults = [];
    private readonly List<string> _elsewhere = [];

    private UiPage(IBrowserContext context, IPage page, Uri address) => (_context, Page, _address) = (context, page, address);

    public IPage Page { get; }

    /// <summary>Opens a view.</summary>
    /// <param name="server">The server.</param>
    /// <param name="view">The view's name.</param>
    /// <param name="key">The key of the session, or null.</param>
    /// <param name="scheme">Light or dark.</param>
    /// <param name="bypass">Whether scripts of a test may run beside the page's own.</param>
    public static async Task<UiPage> OpenAsync(UiServer server, string view, string? key = null, ColorScheme scheme = ColorScheme.Light,
        bool bypass = false)
    {
        Skip.If(server.Missing is not null, server.Missing);
        var context = await server.Browser.NewContextAsync(new()
        {
            ViewportSize = new() { Width = 1280, Height = 800 }, ColorScheme = scheme, BypassCSP = bypass,
        });
        var page = await context.NewPageAsync();
        page.SetDefaultTimeout(20_000);
        var made = new UiPage(context, page, server.Address);
        page.Console += (_, message) =>
        {
            if (message.Type is "error" or "warning")
            {
                made._faults.Add(message.Text);
            }
        };
        page.PageError += (_, error) => made._faults.Add(error);
        page.Request += (_, request) =>
        {
            if (!request.Url.StartsWith("data:", StringComparison.Ordinal)
                && !request.Url.StartsWith(made._address.ToString(), StringComparison.Ordinal))
            {
                made._elsewhere.Add(request.Url);
            }
        };
        if (key is not null)
        {
            await page.AddInitScriptAsync($"sessionStorage.setItem('key', '{key}')");
        }

        await page.GotoAsync(new Uri(server.Address, $"ui#{view}").ToString());
        await page.Locator("main h2").WaitForAsync();
        return made;
    }

    /// <summary>Opens a view with the admin's key.</summary>
    public static Task<UiPage> AdminAsync(UiServer server, string view) => OpenAsync(server, view, ShopServer.AdminKey);

    /// <summary>Adds the first item that a search finds to the history, with the keyboard alone.</summary>
    public async Task AddAsync(string query)
    {
        await Page.GetByLabel("Search items").FocusAsync();
        await Page.Keyboard.TypeAsync(query);
        await Page.GetByRole(AriaRole.List, new() { Name = "Items found" }).GetByRole(AriaRole.Button).First.WaitForAsync();
        await Page.Keyboard.PressAsync("Tab");
        await Page.Keyboard.PressAsync("Enter");
    }

    /// <summary>Fails where the console had an error or a request left the server.</summary>
    public void RequireClean()
    {
        Assert.Empty(_faults);
        Assert.Empty(_elsewhere);
    }

    /// <summary>Takes a picture where somebody asked for pictures.</summary>
    public async Task PictureAsync(string name)
    {
        if (Environment.GetEnvironmentVariable("MINIONEREC_SCREENSHOTS") is { Length: > 0 } folder)
        {
            await Page.ScreenshotAsync(new()
            {
                Path = Path.Combine(folder, name + ".jpg"), FullPage = true, Type = ScreenshotType.Jpeg, Quality = 75,
            });
        }
    }

    public async ValueTask DisposeAsync() => await _context.DisposeAsync();
}
