using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.AspNetCore.Builder;

namespace MiniOneRec.AspNetCore;

/// <summary><c>POST /v1/recommend</c> and <c>POST /v1/similar</c>.</summary>
internal static class RecommendEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapServing("POST", "/recommend", "recommend", ApiScopes.Recommend, RecommendAsync)
            .Accepts<RecommendCall>("application/json", "*/*").Produces<RecommendAnswer>()
                .WithSummary("Recommends items for one history or several.");
        routes.MapServing("POST", "/similar", "similar", ApiScopes.Recommend, SimilarAsync)
            .Accepts<SimilarQuery>("application/json",
                "*/*").Produces<SimilarAnswer>().WithSummary("Finds items with similar semantic IDs.");
    }

    private static async Task<IResult> RecommendAsync(HttpContext context)
    {
        var limits = context.ServingOptions();
        var call = await RequestBody.ReadAsync(context, ServingJsonContext.Default.RecommendCall,
            limits.MaxBodyBytes).ConfigureAwait(false);
        var service = context.RequestServices.GetRequiredService<RecommendService>();
        if (call.Requests is not { } requests)
        {
            var answers = await service.AnswerAsync([call], context.RequestAborted).ConfigureAwait(false);
            return Results.Json(answers[0], ServingJsonContext.Answers.RecommendAnswer);
        }

        if (call.History is not null || call.UserId is not null)
        {
            throw ServingProblem.Invalid("The request has both 'requests' and a history or userId of its own; expected one of them.");
        }

        if (requests.Count == 0 || requests.Count > limits.MaxRequests || requests.Any(request => request is null))
        {
            throw ServingProblem.Invalid($"'requests' has {requests.Count} entries, or null; expected 1 to {limits.MaxRequests}.");
        }

        return Results.Json(new RecommendAnswers(await service.AnswerAsync(requests, context.RequestAborted).ConfigureAwait(false)),
            ServingJsonContext.Answers.RecommendAnswers);
    }

    private static async Task<IResult> SimilarAsync(HttpContext context)
    {
        var limits = context.ServingOptions();
        var query = await RequestBody.ReadAsync(context, ServingJsonContext.Default.SimilarQuery,
            limits.MaxBodyBytes).ConfigureAwait(false);
        string item = InputRules.Key(query.ItemId, "itemId");
        int count = query.Count ?? 10;
        if (count < 1 || count > limits.MaxCount)
        {
            throw ServingProblem.Invalid($"The request asks for {count} items; expected 1 to {limits.MaxCount}.");
        }

        var services = context.RequestServices;
        var live = services.GetRequiredService<LiveCatalogue>();
        var table = live.Items.Items;
        var where = query.Where is { } test ? AttributeFilter.Compile(test, "where") : null;
        using var lease = services.GetRequiredService<ModelRegistry>().Choose(InputRules.OptionalKey(query.Model, "model"), item);
        var found = SimilarItems.Of(lease.Model, item, count,
            where is null ? null : id => where(table.TryGetValue(id, out var known) ? known : new Item { Id = id }));
        return Results.Json(new SimilarAnswer(lease.Model.Name, live.RevisionOf(lease.Model),
        [
            .. found.Select(one => new SimilarItem(one.Id, one.Shared, one.SemanticId.ToString())
            {
                Distance = one.Distance,
                Title = table.TryGetValue(one.Id, out var known) && known.Title.Length > 0 ? known.Title : null,
            }),
        ]), ServingJsonContext.Answers.SimilarAnswer);
    }
}
