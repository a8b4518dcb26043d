using System.Diagnostics;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>The way of every request: state, key, handler, and the problem where one is thrown.</summary>
internal static class ServingEndpoints
{
    private static readonly int[] Problems = [400, 401, 403, 409, 413, 422, 429, 503, 504];

    /// <summary>Maps a route with its needed scope.</summary>
    public static RouteHandlerBuilder MapServing(this IEndpointRouteBuilder routes, string method, string pattern, string name,
        ApiScopes scope, Func<HttpContext, Task<IResult>> handler)
    {
        // The filter runs before anything of the body is read: handlers read it themselves.
        var route = routes.MapMethods(pattern, [method], (Delegate)handler)
            .AddEndpointFilter((context, next) => RunAsync(context, next, scope, name));
        foreach (int status in Problems)
        {
            route.Produces<ProblemBody>(status, "application/problem+json");
        }

        return route.WithName(name).WithTags(scope.ToString().ToLowerInvariant());
    }

    private static async ValueTask<object?> RunAsync(EndpointFilterInvocationContext invocation, EndpointFilterDelegate next,
        ApiScopes scope, string name)
    {
        var context = invocation.HttpContext;
        var services = context.RequestServices;
        var telemetry = services.GetRequiredService<ServingTelemetry>();
        long start = Stopwatch.GetTimestamp();
        int status = 200;
        var activity = services.GetRequiredService<ServingTraces>().StartRequest(name);
        try
        {
            services.GetRequiredService<ServingState>().CheckTakesRequests();
            services.GetRequiredService<ApiKeys>().Check(context.Request, scope);
            object? result = await next(invocation).ConfigureAwait(false);
            status = (result as IStatusCodeHttpResult)?.StatusCode ?? 200;
            return result;
        }
        catch (OperationCanceledException) when (context.RequestAborted.IsCancellationRequested)
        {
            status = 499;
            return Results.Empty;
        }
#pragma warning disable CA1031 // Whatever a handler throws becomes an answer.
        catch (Exception e)
#pragma warning restore CA1031
        {
            var problem = ProblemOf(e);
            status = problem.Status;
            if (status == 500)
            {
                Log.RequestFailed(services.GetRequiredService<ILoggerFactory>().CreateLogger("MiniOneRec.AspNetCore"), e, name);
            }

            return ResultOf(problem, context);
        }
        finally
        {
            telemetry.Request(name, status, Stopwatch.GetElapsedTime(start));
            ServingTraces.EndRequest(activity, status);
        }
    }

    /// <summary>Gets the problem that an exception stands for.</summary>
    public static ServingProblem ProblemOf(Exception error) => error switch
    {
        ServingProblem problem => problem,
        BadHttpRequestException { StatusCode: 413 } e => new ServingProblem(413, "too-large", "The body is too large", e.Message),
        BadHttpRequestException e => new ServingProblem(e.StatusCode, "malformed", "The request cannot be read", e.Message),
        TimeoutException => ServingProblem.Late(),
        RecommendationQueueFullException e => ServingProblem.Busy(e.Message),
        IdempotencyConflictException e => ServingProblem.Conflict(e.Message),
        ObjectDisposedException => ServingProblem.Unavailable("draining", "The server is stopping."),
        ArgumentException e => ServingProblem.Invalid(e.Message),
        IOException when error.InnerException is Microsoft.AspNetCore.Connections.ConnectionResetException =>
            new ServingProblem(400, "malformed", "The request cannot be read", "The connection ended within the body."),
        _ => new ServingProblem(500, "failed", "The server failed", "The request failed; the server's log says why."),
    };

    private static IResult ResultOf(ServingProblem problem, HttpContext context)
    {
        if (problem.RetryAfterSeconds > 0)
        {
            context.Response.Headers.RetryAfter = problem.RetryAfterSeconds.ToString(System.Globalization.CultureInfo.InvariantCulture);
        }

        if (problem.Status == 401)
        {
            context.Response.Headers.WWWAuthenticate = "Bearer";
        }

        if (problem.Status is 413 or 503)
        {
            context.Response.Headers.Connection = "close";                 // what is left of the body is not read
        }

        return Results.Json(
            new ProblemBody($"urn:minionerec:problem:{problem.Kind}", problem.Title, problem.Status, problem.Message),
            ServingJsonContext.Answers.ProblemBody, "application/problem+json", problem.Status);
    }

    /// <summary>Gets an option of the server.</summary>
    public static ServingOptions ServingOptions(this HttpContext context) =>
        context.RequestServices.GetRequiredService<IOptions<ServingOptions>>().Value;
}
