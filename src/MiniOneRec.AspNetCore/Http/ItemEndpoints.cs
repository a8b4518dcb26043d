using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec.AspNetCore;

/// <summary><c>/v1/items</c> and <c>GET /v1/catalog</c>.</summary>
internal static class ItemEndpoints
{
    private const int MostCategories = 32;
    private const int MostAttributes = 128;

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapServing("GET", "/items", "items", ApiScopes.Recommend, SearchAsync)
            .Produces<ItemsAnswer>().WithSummary("Finds items whose title or id contains the query 'q'; 'count' says how many at most.");
        routes.MapServing("GET", "/items/{id}", "item", ApiScopes.Recommend, GetAsync)
            .Produces<ItemAnswer>().Produces<ProblemBody>(404, "application/problem+json").WithSummary("Reads an item.");
        routes.MapServing("PUT", "/items/{id}", "item.put", ApiScopes.Admin, PutAsync)
            .Accepts<ItemBody>("application/json", "*/*").Produces<ItemAnswer>()
                .WithSummary("Adds an item, which can be recommended at once, or changes one.");
        routes.MapServing("DELETE", "/items/{id}", "item.delete", ApiScopes.Admin, DeleteAsync)
            .Produces(204).Produces<ProblemBody>(404, "application/problem+json").WithSummary("Removes an item.");
        routes.MapServing("GET", "/catalog", "catalog", ApiScopes.Recommend, CatalogAsync)
            .Produces<CatalogAnswer>().WithSummary("Describes the catalogue of the active model.");
        routes.MapServing("GET", "/catalog/tree", "catalog.tree", ApiScopes.Recommend, context =>
                Task.FromResult(CatalogueTree.Answer(context)))
            .Produces<TreeAnswer>().WithSummary("Lists the codes and items below the codes of 'prefix'.");
    }

    private static string Id(HttpContext context) => InputRules.Key((string?)context.GetRouteValue("id"), "The item id");

    private static Task<IResult> SearchAsync(HttpContext context)
    {
        string query = InputRules.Key(context.Request.Query["q"], "q");
        int count = context.Request.Query["count"] is { Count: > 0 } given
            ? int.TryParse(given[0], NumberStyles.None, CultureInfo.InvariantCulture, out int parsed) && parsed >= 1
                && parsed <= context.ServingOptions().MaxCount
                ? parsed : throw ServingProblem.Invalid($"count is not a number from 1 to {context.ServingOptions().MaxCount}.")
            : 20;
        using var lease = Active(context);
        var (live, model) = (context.RequestServices.GetRequiredService<LiveCatalogue>(), lease.Model);
        var found = model.Recommender.Index.Items
            .Select(id => live.Items.Items.TryGetValue(id, out var item) ? item : new Item { Id = id })
            .Where(item => item.Id.Contains(query, StringComparison.OrdinalIgnoreCase) || item.Title.Contains(query,
                StringComparison.OrdinalIgnoreCase))
            .Take(count);
        return Task.FromResult(Results.Json(new ItemsAnswer([.. found.Select(item => Answer(item, live, model))]),
            ServingJsonContext.Answers.ItemsAnswer));
    }

    private static Task<IResult> GetAsync(HttpContext context)
    {
        string id = Id(context);
        using var lease = Active(context);
        var (live, model) = (context.RequestServices.GetRequiredService<LiveCatalogue>(), lease.Model);
        bool there = model.Recommender.Index.TryGetRow(id, out _) || live.Items.Items.ContainsKey(id);
        return there
            ? Task.FromResult(Results.Json(Answer(live.Items.Find(id) ?? new Item { Id = id }, live, model),
                ServingJsonContext.Answers.ItemAnswer))
            : throw ServingProblem.NotFound("The catalogue has no item of that id.");
    }

    private static async Task<IResult> PutAsync(HttpContext context)
    {
        string id = Id(context);
        var body = await RequestBody.ReadAsync(context, ServingJsonContext.Default.ItemBody, context.ServingOptions().MaxBodyBytes)
            .ConfigureAwait(false);
        var item = new Item
        {
            Id = id,
            Title = InputRules.Text(body.Title, "title") ?? "",
            Description = InputRules.Text(body.Description, "description"),
            Brand = InputRules.Text(body.Brand, "brand"),
            Categories = Bounded(body.Categories, MostCategories, "categories"),
            Attributes = body.Attributes is null || body.Attributes.Count <= MostAttributes
                ? body.Attributes ?? new Dictionary<string, AttributeValue>()
                : throw ServingProblem.Invalid($"The item has {body.Attributes.Count} attributes; expected at most {MostAttributes}."),
        };
        var semanticId = body.SemanticId is null ? null : SemanticId.TryParse(body.SemanticId, out var parsed) ? parsed
            : throw ServingProblem.Invalid("semanticId is not of the form <a_1><b_2><c_3>.");
        var live = context.RequestServices.GetRequiredService<LiveCatalogue>();
        await live.ChangeAsync(new PendingChange(id, item, semanticId), context.RequestAborted).ConfigureAwait(false);
        using var lease = Active(context);
        return Results.Json(Answer(item, live, lease.Model), ServingJsonContext.Answers.ItemAnswer);
    }

    private static async Task<IResult> DeleteAsync(HttpContext context)
    {
        await context.RequestServices.GetRequiredService<LiveCatalogue>()
            .ChangeAsync(new PendingChange(Id(context), null, null), context.RequestAborted).ConfigureAwait(false);
        return Results.NoContent();
    }

    private static Task<IResult> CatalogAsync(HttpContext context)
    {
        using var lease = Active(context);
        var (live, model) = (context.RequestServices.GetRequiredService<LiveCatalogue>(), lease.Model);
        var index = model.Recommender.Index;
        return Task.FromResult(Results.Json(
            new CatalogAnswer(live.RevisionOf(model), model.Name, index.Count, index.DistinctCount, index.LevelSizes,
                index.Items.Count(id => !model.Catalogue.First.TryGetRow(id, out _)),
                live.Items.Stored.Values.Count(item => item.IsRemoved)),
            ServingJsonContext.Answers.CatalogAnswer));
    }

    private static ModelLease Active(HttpContext context)
    {
        var registry = context.RequestServices.GetRequiredService<ModelRegistry>();
        return registry.Choose(registry.Set.Active, "");
    }

    private static ItemAnswer Answer(Item item, LiveCatalogue live, ServedModel model) => new(item.Id, item.Title,
        model.Recommender.Index.TryGetSemanticId(item.Id, out var id) ? id.ToString() : null, live.RevisionOf(model))
    {
        Description = item.Description,
        Brand = item.Brand,
        Categories = item.Categories.Count > 0 ? item.Categories : null,
        Attributes = item.Attributes.Count > 0 ? item.Attributes : null,
    };

    private static IReadOnlyList<string> Bounded(IReadOnlyList<string>? list, int most, string what)
    {
        if (list?.Count > most || list?.Any(text => text is null) == true)
        {
            throw ServingProblem.Invalid($"The item has {list.Count} {what}, or null among them; expected at most {most}.");
        }

        return [.. (list ?? []).Select(text => InputRules.Text(text, what)!)];
    }
}
