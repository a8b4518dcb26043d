using System.Collections.Concurrent;
using System.Diagnostics;

namespace MiniOneRec.Studies;

/// <summary>Requests while models change, items arrive and items go.</summary>
internal static class ServeChurn
{
    public static async Task RunAsync(StudyContext context)
    {
        int items = context.Option("churn-items", 2_000), requests = context.Option("churn-requests", 20_000);
        const int Concurrency = 64, Swaps = 20, Added = 200, Removed = 50;
        var token = context.CancellationToken;
        using var shop = new ServeShop();
        await shop.MakeAsync(2, items, 64, 2, 20, 64, token);
        await using var app = ServeShop.Server(shop.Root);
        await app.StartAsync(token);
        using var client = new ServeClient(app.Urls.First());
        await client.LoadAsync(500, Concurrency, items, 0, token);

        var known = new ConcurrentDictionary<string, bool>(Enumerable.Range(0, items).Select(i => KeyValuePair.Create($"{i}", true)));
        var gone = new ConcurrentDictionary<string, long>();
        (int next, int failed, int invalid, int removed, int newSeen) = (0, 0, 0, 0, 0);
        var clock = Stopwatch.StartNew();
        var callers = Enumerable.Range(0, Concurrency).Select(_ => Task.Run(CallAsync, token)).ToArray();
        var changes = ChangeAsync();
        await Task.WhenAll(callers);
        double seconds = clock.Elapsed.TotalSeconds;
        await changes;
        var settings = new { requests, concurrency = Concurrency, swaps = Swaps, added = Added, removed = Removed,
            per_s = requests / seconds, answers_with_new_items = newSeen };
        context.Report("churn.failed", failed, "requests", settings);
        context.Report("churn.invalid", invalid, "requests");
        context.Report("churn.removed", removed, "answers");
        await app.StopAsync(token);

        async Task CallAsync()
        {
            for (int i = Interlocked.Increment(ref next) - 1; i < requests; i = Interlocked.Increment(ref next) - 1)
            {
                var (status, answer) = await client.SendAsync(HttpMethod.Post, "/v1/recommend", ServeClient.Body(i, items), token);
                if (status != 200)
                {
                    Interlocked.Increment(ref failed);
                    context.Log($"request {i}: {status} {answer}");
                    continue;
                }

                string[] ids = [.. answer.GetProperty("items").EnumerateArray().Select(item => item.GetProperty("id").GetString()!)];
                bool valid = ids.Length == 10 && ids.Distinct().Count() == 10 && ids.All(known.ContainsKey)
                    && answer.GetProperty("items").EnumerateArray().All(item => item.GetProperty("semanticId").GetString()!
                        .StartsWith("<a_", StringComparison.Ordinal));
                if (!valid)
                {
                    Interlocked.Increment(ref invalid);
                }

                if (ids.Any(id => gone.TryGetValue(id, out long at) && Stopwatch.GetElapsedTime(at) > TimeSpan.FromSeconds(1)))
                {
                    Interlocked.Increment(ref removed);
                }

                if (ids.Any(id => id.StartsWith("new-", StringComparison.Ordinal)))
                {
                    Interlocked.Increment(ref newSeen);
                }
            }
        }

        // Changes are spread over the requests: each one waits for its turn.
        async Task ChangeAsync()
        {
            (int swaps, int added, int gones) = (0, 0, 0);
            while (swaps < Swaps || added < Added || gones < Removed)
            {
                double done = Math.Min(1, Volatile.Read(ref next) / (.9 * requests));
                if (swaps < Swaps * done)
                {
                    await ExpectAsync(HttpMethod.Post, "/v1/models", $$"""{"action": "activate", "model": "shop-{{1 + ((swaps + 1) % 2)}}"}""", 200);
                    swaps++;
                }

                if (added < Added * done)
                {
                    known[$"new-{added}"] = true;
                    await ExpectAsync(HttpMethod.Put, $"/v1/items/new-{added}", $$"""{"title": "{{ServeShop.Title(added * 31)}}"}""", 200);
                    added++;
                }

                if (gones < Removed * done)
                {
                    string id = gones % 2 == 0 ? $"{gones * 17}" : $"new-{gones / 2}";
                    await ExpectAsync(HttpMethod.Delete, $"/v1/items/{id}", null, 204);
                    gone[id] = Stopwatch.GetTimestamp();
                    gones++;
                }

                await Task.Delay(1, token);
            }

            async Task ExpectAsync(HttpMethod method, string path, string? body, int expected)
            {
                var (status, answer) = await client.SendAsync(method, path, body, token);
                if (status != expected)
                {
                    throw new InvalidDataException($"{method} {path} got {status}: {answer}");
                }
            }
        }
    }
}
