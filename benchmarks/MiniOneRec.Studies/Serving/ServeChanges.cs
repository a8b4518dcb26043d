using System.Diagnostics;

namespace MiniOneRec.Studies;

/// <summary>What a change of one item costs in a large catalogue, and what requests notice of it.</summary>
internal static class ServeChanges
{
    public static async Task RunAsync(StudyContext context)
    {
        int items = context.Option("change-items", 100_000), changes = context.Option("changes", 20);
        var token = context.CancellationToken;
        using var shop = new ServeShop();
        await shop.MakeAsync(1, items, 64, 2, 20, 256, token);
        await using var app = ServeShop.Server(shop.Root);
        await app.StartAsync(token);
        using var client = new ServeClient(app.Urls.First());
        await client.LoadAsync(200, 1, items, 0, token);
        var (quiet, _) = await client.LoadAsync(300, 1, items, 1_000, token);
        var (put, delete) = (new List<double>(), new List<double>());
        var changing = Task.Run(
            async () =>
            {
                for (int change = 0; change < changes; change++)
                {
                    put.Add(await TimeAsync(HttpMethod.Put, $"new-{change}", $$"""{"title": "{{ServeShop.Title(change * 31)}}"}""", 200));
                    delete.Add(await TimeAsync(HttpMethod.Delete, change % 2 == 0 ? $"new-{change}" : $"{change}", null, 204));
                }
            },
            token);
        var meanwhile = new List<double>();
        for (int i = 0; !changing.IsCompleted; i++)
        {
            var (one, _) = await client.LoadAsync(1, 1, items, 2_000 + i, token);
            meanwhile.Add(one[0]);
        }

        await changing;
        context.Report("change.put_ms", Median(put), "ms", new { items, changes, slowest = put.Max() });
        context.Report("change.delete_ms", Median(delete), "ms", new { slowest = delete.Max() });
        context.Report("change.p99_ms", ServeClient.Percentile([.. meanwhile], .99), "ms",
            new { quiet_p99_ms = ServeClient.Percentile(quiet, .99), quiet_p50_ms = ServeClient.Percentile(quiet, .5) });
        await app.StopAsync(token);

        async Task<double> TimeAsync(HttpMethod method, string id, string? body, int expected)
        {
            long start = Stopwatch.GetTimestamp();
            var (status, answer) = await client.SendAsync(method, $"/v1/items/{id}", body, token);
            return status == expected ? Stopwatch.GetElapsedTime(start).TotalMilliseconds
                : throw new InvalidDataException($"{method} {id} got {status}: {answer}");
        }
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
