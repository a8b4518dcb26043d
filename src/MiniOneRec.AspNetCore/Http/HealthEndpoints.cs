using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec.AspNetCore;

/// <summary>Health as the Open Inference Protocol names it, and the page of metrics; no key is asked.</summary>
internal static class HealthEndpoints
{
    public static void Map(IEndpointRouteBuilder routes)
    {
        Health(routes, "/v2/health/live", "live", _ => "live");
        Health(routes, "/v2/health/ready", "ready", context =>
            State(context) is var state && state != "ready" ? state
            : context.RequestServices.GetRequiredService<ModelRegistry>().Set.Active is null ? "no-model" : "ready");
        Health(routes, "/v2/models/{model}/ready", "model.ready", context =>
            State(context) is var state && state != "ready" ? state
            : context.GetRouteValue("model") is string name
                && context.RequestServices.GetRequiredService<ModelRegistry>().Set.Loaded.ContainsKey(name)
                ? "ready" : "unknown-model");
        routes.MapGet("/metrics", (HttpContext context) =>
            Results.Text(context.RequestServices.GetRequiredService<PrometheusPage>().Write(), PrometheusPage.ContentType))
            .WithName("metrics").ExcludeFromDescription();
    }

    private static void Health(IEndpointRouteBuilder routes, string pattern, string name, Func<HttpContext, string> status) =>
        routes.MapGet(pattern, (HttpContext context) =>
        {
            string value = status(context);
            return Results.Json(new HealthAnswer(value), ServingJsonContext.Answers.HealthAnswer,
                statusCode: value is "live" or "ready" ? 200 : value == "unknown-model" ? 404 : 503);
        }).Produces<HealthAnswer>().Produces<HealthAnswer>(503).WithName(name).WithTags("health");

    private static string State(HttpContext context) => context.RequestServices.GetRequiredService<ServingState>() switch
    {
        { IsDraining: true } => "draining",
        { IsStarted: false } => "starting",
        _ => "ready",
    };
}
