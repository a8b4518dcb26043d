using System.Text.RegularExpressions;
using Deque.AxeCore.Playwright;
using Microsoft.Playwright;
using MiniOneRec.AspNetCore.Tests;

namespace MiniOneRec.AspNetCore.Ui.Tests;

public sealed class UiTests(UiServer server) : IClassFixture<UiServer>
{
    private static ILocatorAssertions That(ILocator locator) => Assertions.Expect(locator);

    [SkippableFact]
    public async Task Recommend_HistoryByKeyboard_ShowsItemsAndWhy()
    {
        await using var ui = await UiPage.OpenAsync(server, "recommend");
        var page = ui.Page;
        await ui.AddAsync("red tent");

        var results = page.GetByRole(AriaRole.List, new() { Name = "Recommendations, best first" }).Locator(":scope > li");
        await That(results).ToHaveCountAsync(10);
        await That(page.GetByRole(AriaRole.List, new() { Name = "History, oldest first" })).ToContainTextAsync("red tent for camping");
        await results.First.GetByText("Why: reached by").ClickAsync();
        await That(results.First.Locator("tbody tr")).Not.ToHaveCountAsync(0);
        await That(results.First).ToContainTextAsync("Mixed: codes 100 %");
        await That(page.GetByText("Probability by level")).ToBeVisibleAsync();
        await page.Locator(".tree summary").Nth(1).ClickAsync();
        await ui.PictureAsync("recommend");
        ui.RequireClean();
    }

    [SkippableFact]
    public async Task Recommend_FiltersAndExclusions_ActAtOnce()
    {
        await using var ui = await UiPage.OpenAsync(server, "recommend");
        var page = ui.Page;
        await ui.AddAsync("blue lamp");
        var results = page.GetByRole(AriaRole.List, new() { Name = "Recommendations, best first" }).Locator(":scope > li");
        await That(results).ToHaveCountAsync(10);
        string first = await results.First.Locator(".name").InnerTextAsync();

        await page.GetByRole(AriaRole.Button, new() { Name = $"Exclude {first}" }).ClickAsync();
        await That(page.GetByRole(AriaRole.List, new() { Name = "Excluded items" })).ToContainTextAsync(first);
        await That(results.First.Locator(".name")).Not.ToHaveTextAsync(first);

        await page.GetByLabel("Attribute", new() { Exact = true }).FillAsync("price");
        await page.GetByLabel("Test", new() { Exact = true }).SelectOptionAsync("le");
        await page.GetByLabel("Value", new() { Exact = true }).FillAsync("20");
        await page.GetByLabel("Value", new() { Exact = true }).PressAsync("Enter");
        await That(page.Locator("main").GetByText(new Regex("^[3-6] items from shop-1"))).ToBeVisibleAsync();
        foreach (string title in await results.Locator(".name").AllInnerTextsAsync())
        {
            Assert.Matches("^(red|blue) ", title);                              // 10 and 20
        }

        ui.RequireClean();
    }

    [SkippableFact]
    public async Task Recommend_BadFilter_SaysWhatIsWrong()
    {
        await using var ui = await UiPage.OpenAsync(server, "recommend");
        var page = ui.Page;
        await ui.AddAsync("blue lamp");
        await page.GetByLabel("How many").FillAsync("100000");
        await page.GetByLabel("How many").PressAsync("Enter");

        await That(page.GetByRole(AriaRole.Alert)).ToContainTextAsync("asks for 100000 items; expected 1 to 100");
    }

    [SkippableFact]
    public async Task Compare_TwoModels_StandSideBySide()
    {
        await server.Server.PostAsync("/v1/models", """{"action": "load", "model": "shop-2"}""");
        await using var ui = await UiPage.AdminAsync(server, "compare");
        var page = ui.Page;
        await ui.AddAsync("red tent");

        await That(page.GetByRole(AriaRole.Region, new() { Name = "Left answer" })).ToContainTextAsync("shop-1");
        await That(page.GetByRole(AriaRole.Region, new() { Name = "Right answer" })).ToContainTextAsync("shop-2");
        await That(page.Locator("main").GetByText(new Regex(@"\d+ of 10 items are in both answers"))).ToBeVisibleAsync();
        await ui.PictureAsync("compare");
        ui.RequireClean();
    }

    [SkippableFact]
    public async Task Compare_WithoutTheAdminsKey_AsksForIt()
    {
        await using var ui = await UiPage.OpenAsync(server, "compare");

        await That(ui.Page.GetByRole(AriaRole.Alert)).ToContainTextAsync("Set an API key above");
        await ui.Page.GetByText("API key", new() { Exact = true }).ClickAsync();
        await ui.Page.GetByLabel("Key of this session").FillAsync(ShopServer.AdminKey);
        await ui.Page.GetByLabel("Key of this session").PressAsync("Enter");
        await That(ui.Page.GetByLabel("Left", new() { Exact = true })).ToBeVisibleAsync();
    }

    [SkippableFact]
    public async Task Catalogue_TreeOpens_AndAnItemShowsItsNeighbours()
    {
        await using var ui = await UiPage.OpenAsync(server, "catalogue");
        var page = ui.Page;
        var tree = page.GetByRole(AriaRole.Region, new() { Name = "Tree" });
        await tree.Locator("summary").First.ClickAsync();
        await tree.Locator("details details > summary").First.ClickAsync();
        await tree.Locator("details details details > summary").First.ClickAsync();
        await tree.Locator(".leaf button").First.ClickAsync();

        await That(page.GetByRole(AriaRole.Region, new() { Name = "Item" })).ToContainTextAsync("Neighbours");
        await That(page.GetByRole(AriaRole.Region, new() { Name = "Item" }).Locator("ol > li")).ToHaveCountAsync(10);
        await ui.PictureAsync("catalogue");
        ui.RequireClean();
    }

    [SkippableFact]
    public async Task Item_Added_HasACodeAndCanBeFound()
    {
        await using var ui = await UiPage.AdminAsync(server, "item");
        var page = ui.Page;
        await page.GetByLabel("Id", new() { Exact = true }).FillAsync("tent-new");
        await page.GetByLabel("Title").FillAsync("large tent for camping with <b>two</b> rooms");
        await page.GetByLabel("Price").FillAsync("35");
        await page.GetByRole(AriaRole.Button, new() { Name = "Add the item" }).ClickAsync();

        var result = page.GetByRole(AriaRole.Region, new() { Name = "Result" });
        await That(result.Locator("p > code")).ToHaveTextAsync(new Regex("<a_"));
        await That(result).ToContainTextAsync("with <b>two</b> rooms");         // shown as text, not as markup
        await ui.PictureAsync("item");
        await page.GetByRole(AriaRole.Link, new() { Name = "Recommend" }).ClickAsync();
        await ui.AddAsync("two</b> rooms");
        await That(page.GetByRole(AriaRole.List, new() { Name = "History, oldest first" })).ToContainTextAsync("large tent");
        ui.RequireClean();
    }

    [SkippableFact]
    public async Task Dashboard_ShowsTrafficAndModels()
    {
        for (int i = 0; i < 5; i++)
        {
            await server.Server.PostAsync("/v1/recommend", """{"history": ["tent-1"], "userId": "u", "scenario": "home"}""");
        }

        await using var ui = await UiPage.AdminAsync(server, "dashboard");
        var page = ui.Page;
        await That(page.GetByText("requests since the start")).ToBeVisibleAsync();
        await That(page.GetByRole(AriaRole.Region, new() { Name = "Models" })).ToContainTextAsync("shop-1");
        await That(page.GetByRole(AriaRole.Region, new() { Name = "Models" })).ToContainTextAsync("home");
        await server.Server.PostAsync("/v1/recommend", """{"history": ["tent-1"]}""");
        await That(page.Locator("svg.chart path.first").First).ToHaveAttributeAsync("d", new Regex("L"));
        await ui.PictureAsync("dashboard");
        ui.RequireClean();
    }

    [SkippableTheory]
    [InlineData("recommend")]
    [InlineData("compare")]
    [InlineData("catalogue")]
    [InlineData("item")]
    [InlineData("dashboard")]
    public async Task View_InLightAndDark_HasNoBarrierThatAxeFinds(string view)
    {
        foreach (var scheme in new[] { ColorScheme.Light, ColorScheme.Dark })
        {
            await using var ui = await UiPage.OpenAsync(server, view, ShopServer.AdminKey, scheme, bypass: true);
            if (view is "recommend" or "compare")
            {
                await ui.AddAsync("red tent");
                await That(ui.Page.Locator("main ol.items > li").First).ToBeVisibleAsync();
            }

            var found = await ui.Page.RunAxe();

            Assert.Empty(found.Violations.Select(violation => $"{violation.Id}: {violation.Help}: {violation.Nodes[0].Html}"));
            if (scheme == ColorScheme.Dark)
            {
                await ui.PictureAsync($"{view}-dark");
            }
        }
    }
}
