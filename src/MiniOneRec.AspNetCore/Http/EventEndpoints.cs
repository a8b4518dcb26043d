using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary><c>POST /v1/events</c>, and the histories of users.</summary>
internal static class EventEndpoints
{
    private const string KeyHeader = "Idempotency-Key";

    public static void Map(IEndpointRouteBuilder routes)
    {
        routes.MapServing("POST", "/events", "events", ApiScopes.Events, AppendAsync)
            .Accepts<EventLine>("application/x-ndjson",
                "*/*").Produces<EventsAnswer>().WithSummary("Stores events, one JSON object a line.");
        routes.MapServing("GET", "/users/{id}/history", "history", ApiScopes.Events, HistoryAsync)
            .Produces<HistoryAnswer>().WithSummary("Reads a user's most recent events.");
        routes.MapServing("DELETE", "/users/{id}/history", "erase", ApiScopes.Admin, EraseAsync)
            .Produces<ErasedAnswer>().WithSummary("Deletes all that is stored of a user.");
    }

    private static async Task<IResult> AppendAsync(HttpContext context)
    {
        var limits = context.ServingOptions();
        var services = context.RequestServices;
        var telemetry = services.GetRequiredService<ServingTelemetry>();
        byte[] body = await RequestBody.ReadAsync(context, limits.MaxEventBytes).ConfigureAwait(false);
        string? key = context.Request.Headers.TryGetValue(KeyHeader, out var given) ? InputRules.Key(given, KeyHeader) : null;
        List<StoredEvent> events;
        try
        {
            events = Read(body, services.GetRequiredService<TimeProvider>().GetUtcNow(), limits.MaxFutureSeconds);
        }
        catch (ServingProblem)
        {
            telemetry.Events("refused", 1);
            throw;
        }

        var batch = new EventBatch(events) { Key = key, ContentHash = key is null ? null
            : Convert.ToHexStringLower(SHA256.HashData(body)) };
        var store = services.GetRequiredService<IHistoryStore>();
        var result = await services.GetRequiredService<ServingTraces>()
            .StoreAsync("history.append", () => store.AppendAsync(batch, context.RequestAborted)).ConfigureAwait(false);
        if (!result.Repeated)
        {
            telemetry.Events("accepted", result.Accepted);
            telemetry.Events("duplicate", result.Duplicates);
            services.GetRequiredService<Attribution>().Followed(events);
        }

        return Results.Json(new EventsAnswer(result.Accepted, result.Duplicates, result.Repeated), ServingJsonContext.Answers.EventsAnswer);
    }

    /// <summary>Reads lines; one bad line refuses the whole body.</summary>
    internal static List<StoredEvent> Read(ReadOnlySpan<byte> body, DateTimeOffset now, int maxFutureSeconds)
    {
        var events = new List<StoredEvent>();
        for (int number = 1; !body.IsEmpty; number++)
        {
            int end = body.IndexOf((byte)'\n');
            var line = (end < 0 ? body : body[..end]).Trim(" \t\r"u8);
            body = end < 0 ? [] : body[(end + 1)..];
            if (!line.IsEmpty)
            {
                events.Add(Event(RequestBody.Parse(line, ServingJsonContext.Default.EventLine, $"Line {number}"), number, now,
                    maxFutureSeconds));
            }
        }

        return events.Count > 0 ? events : throw ServingProblem.Malformed("The body has no events; expected one JSON object a line.");
    }

    private static StoredEvent Event(EventLine line, int number, DateTimeOffset now, int maxFutureSeconds)
    {
        string at = $"line {number}";
        long time = TimeOf(line.Time, at) ?? now.ToUnixTimeMilliseconds();
        if (time < 0 || time > now.AddSeconds(maxFutureSeconds).ToUnixTimeMilliseconds())
        {
            throw ServingProblem.Invalid(string.Create(CultureInfo.InvariantCulture,
                $"The time of {at} is {time}; "
                + $"expected Unix milliseconds from 0 to at most {maxFutureSeconds} s ahead of the server's clock."));
        }

        if (line.Weight is { } weight && !double.IsFinite(weight))
        {
            throw ServingProblem.Invalid($"The weight of {at} is {weight}; expected a finite number.");
        }

        return new StoredEvent(InputRules.Key(line.UserId, $"userId of {at}"), InputRules.Key(line.ItemId, $"itemId of {at}"))
        {
            EventId = InputRules.OptionalKey(line.Id, $"id of {at}"),
            EventType = InputRules.OptionalKey(line.Type, $"type of {at}"),
            TimeMilliseconds = time,
            Weight = line.Weight,
            RecommendationId = InputRules.OptionalKey(line.RecommendationId, $"recommendationId of {at}"),
        };
    }

    private static long? TimeOf(JsonElement? time, string at) => time switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.Number } number when number.TryGetInt64(out long milliseconds) => milliseconds,
        { ValueKind: JsonValueKind.String } text when text.TryGetDateTimeOffset(out var moment) => moment.ToUnixTimeMilliseconds(),
        _ => throw ServingProblem.Invalid($"The time of {at} is neither Unix milliseconds nor a time as ISO 8601 writes it."),
    };

    private static async Task<IResult> HistoryAsync(HttpContext context)
    {
        string user = InputRules.Key((string?)context.GetRouteValue("id"), "The user");
        var store = context.RequestServices.GetRequiredService<IHistoryStore>();
        var events = await context.RequestServices.GetRequiredService<ServingTraces>().StoreAsync("history.read",
            () => store.ReadAsync(user, context.ServingOptions().MaxHistory, context.RequestAborted)).ConfigureAwait(false);
        return Results.Json(
            new HistoryAnswer(user, [.. events.Select(one => new HistoryEvent(one.ItemId, one.EventType, one.TimeMilliseconds,
                one.Weight))]),
            ServingJsonContext.Answers.HistoryAnswer);
    }

    private static async Task<IResult> EraseAsync(HttpContext context)
    {
        string user = InputRules.Key((string?)context.GetRouteValue("id"), "The user");
        var store = context.RequestServices.GetRequiredService<IHistoryStore>();
        long erased = await context.RequestServices.GetRequiredService<ServingTraces>()
            .StoreAsync("history.erase", () => store.EraseAsync(user, context.RequestAborted)).ConfigureAwait(false);
        context.RequestServices.GetRequiredService<Attribution>().Erase(user);
        foreach (var model in context.RequestServices.GetRequiredService<ModelRegistry>().Set.Loaded.Values)
        {
            model.Recommender.Forget(user);
        }

        return Results.Json(new ErasedAnswer(erased), ServingJsonContext.Answers.ErasedAnswer);
    }
}
