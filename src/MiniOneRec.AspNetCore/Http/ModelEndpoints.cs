using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec.AspNetCore;

/// <summary><c>/v1/models</c>.</summary>
internal static class ModelEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapServing("GET", "/models", "models", ApiScopes.Admin, context => Task.FromResult(Answer(context)))
            .Produces<ModelsAnswer>().WithSummary("Lists models, their parts and what became of their recommendations.");
        routes.MapServing("POST", "/models", "models.change", ApiScopes.Admin, ChangeAsync)
            .Accepts<ModelCommand>("application/json", "*/*").Produces<ModelsAnswer>().Produces<ProblemBody>(404,
                "application/problem+json")
            .WithSummary("Loads, activates, rolls back, shares traffic, shadows or unloads a model.");
    }

    private static async Task<IResult> ChangeAsync(HttpContext context)
    {
        var command = await RequestBody.ReadAsync(context, ServingJsonContext.Default.ModelCommand, context.ServingOptions().MaxBodyBytes)
            .ConfigureAwait(false);
        var models = context.RequestServices.GetRequiredService<ModelRegistry>();
        string Name() => InputRules.Key(command.Model, "model");
        await (command.Action switch
        {
            "load" => models.LoadAsync(Name(), context.RequestAborted),
            "activate" => models.ActivateAsync(Name(), context.RequestAborted),
            "rollback" => models.RollBackAsync(context.RequestAborted),
            "traffic" => models.ShareAsync(Name(), command.Share is >= 0 and <= 1 ? command.Share.Value
                : throw ServingProblem.Invalid($"share is {command.Share}; expected 0 to 1."), context.RequestAborted),
            "shadow" => models.ShadowAsync(command.Model ?? "", context.RequestAborted),
            "unload" => models.UnloadAsync(Name(), context.RequestAborted),
            _ => throw ServingProblem.Invalid("action is not known; expected load, activate, rollback, traffic, shadow or unload."),
        }).ConfigureAwait(false);
        return Answer(context);
    }

    private static IResult Answer(HttpContext context)
    {
        var services = context.RequestServices;
        var set = services.GetRequiredService<ModelRegistry>().Set;
        var attribution = services.GetRequiredService<Attribution>();
        return Results.Json(
            new ModelsAnswer(set.Active, set.Previous, set.Candidate, set.Share, set.Shadow,
                [
                    .. set.Loaded.Values.OrderBy(model => model.Name, StringComparer.Ordinal).Select(model => new ModelState(model.Name,
                        model.Revision,
                        model.Recommender.Index.Count, model.Catalogue.Tokenizer is not null, model.LoadTime.TotalMilliseconds,
                            attribution.Of(model.Name))),
                ],
                services.GetRequiredService<ModelFolders>().Names()),
            ServingJsonContext.Answers.ModelsAnswer);
    }
}
