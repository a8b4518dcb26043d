using System.Diagnostics;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>What HTTP costs, and whether the server holds under changes, abuse, kills and hours.</summary>
internal sealed class ServeStudy : IStudy
{
    public string Name => "serve";

    public string Description =>
        "A server on the loopback. --parts http,batches,changes,churn,ready,abuse,kills,incremental --width 256 --layers 4 --items 5000 "
        + "--beams 50 --requests 2000 --batch 32 --churn-requests 20000 --kills 50 --idle 10000 --prompt 110 --soak MINUTES (0: none)";

    public async Task RunAsync(StudyContext context)
    {
        string[] parts = context.Option("parts", "http,churn,ready,abuse,kills").Split(',');
        if (parts is ["child"])
        {
            await ChildAsync(context);
            return;
        }

        if (parts.Contains("http"))
        {
            await HttpAsync(context);
        }

        if (parts.Contains("batches"))
        {
            await ServeBatches.RunAsync(context);
        }

        if (parts.Contains("changes"))
        {
            await ServeChanges.RunAsync(context);
        }

        if (parts.Contains("churn"))
        {
            await ServeChurn.RunAsync(context);
        }

        if (parts.Contains("ready"))
        {
            await ReadyAsync(context);
        }

        if (parts.Contains("abuse"))
        {
            await ServeAbuse.RunAsync(context);
        }

        if (parts.Contains("kills"))
        {
            await ServeKills.RunAsync(context);
        }

        if (parts.Contains("incremental"))
        {
            await ServeIncremental.RunAsync(context);
        }

        double minutes = context.Option("soak", 0.0);
        if (minutes > 0)
        {
            await SoakAsync(context, minutes);
        }
    }

    private static async Task ChildAsync(StudyContext context)
    {
        await using var app = ServeShop.Server(context.Option("root", "."), context.Option("port", 0));
        await Microsoft.Extensions.Hosting.HostingAbstractionsHostExtensions.RunAsync(app, context.CancellationToken);
    }

    private static async Task HttpAsync(StudyContext context)
    {
        int items = context.Option("items", 5_000), requests = context.Option("requests", 2_000),
            concurrency = context.Option("concurrency", 64);
        int turns = context.Option("turns", 3);
        using var shop = new ServeShop();
        await shop.MakeAsync(1, items, context.Option("width", 256), context.Option("layers", 4), context.Option("beams", 50), 64,
            context.CancellationToken);
        int batch = context.Option("batch", 32);
        await using var app = ServeShop.Server(shop.Root, batch: batch);
        await app.StartAsync(context.CancellationToken);
        using var client = new ServeClient(app.Urls.First());
        using var library = await GenerativeRecommender.LoadAsync(Path.Combine(shop.Root, "shop-1"),
            cancellationToken: context.CancellationToken);

        // Both warm, then in turns, so that neither has the quieter machine.
        await LibraryAsync(library, requests / 4, items, context.CancellationToken);
        await client.LoadAsync(requests / 4, concurrency, items, seed: 0, context.CancellationToken);
        var shares = new List<double>();
        var (libraryRates, httpRates, late, alone) = (new List<double>(), new List<double>(), new List<double>(), new List<double>());
        for (int turn = 0; turn < turns; turn++)
        {
            libraryRates.Add(await LibraryAsync(library, requests, items, context.CancellationToken));
            var (milliseconds, seconds) = await client.LoadAsync(requests, concurrency, items, turn * requests, context.CancellationToken);
            httpRates.Add(requests / seconds);
            shares.Add(httpRates[^1] / libraryRates[^1]);
            late.Add(ServeClient.Percentile(milliseconds, .99));
            var (single, _) = await client.LoadAsync(Math.Max(100, requests / 10), 1, items, turn, context.CancellationToken);
            alone.Add(ServeClient.Percentile(single, .5));
            context.Log(
                $"turn {turn + 1}: library {libraryRates[^1]:f1}/s, HTTP {httpRates[^1]:f1}/s, "
                + $"p99 {late[^1]:f1} ms, alone {alone[^1]:f1} ms");
        }

        context.Report("http_share", Median(shares), "x", new { library_per_s = Median(libraryRates), http_per_s = Median(httpRates),
            concurrency });
        context.Report("p99_over_alone", Median([.. late.Zip(alone, (p99, p50) => p99 / p50)]), "x",
            new { p99_ms = Median(late), alone_p50_ms = Median(alone), mean_ms = 1_000 * concurrency / Median(httpRates), batch });
        await app.StopAsync(context.CancellationToken);
    }

    private static async Task<double> LibraryAsync(GenerativeRecommender library, int requests, int items,
        CancellationToken cancellationToken)
    {
        RecommendationRequest[] all = [.. Enumerable.Range(0,
            requests).Select(i => new RecommendationRequest { History = ServeClient.History(i, items) })];
        var clock = Stopwatch.StartNew();
        foreach (var chunk in all.Chunk(512))
        {
            await library.RecommendAsync(chunk, cancellationToken);
        }

        return requests / clock.Elapsed.TotalSeconds;
    }

    private static async Task ReadyAsync(StudyContext context)
    {
        using var shop = new ServeShop();
        await shop.MakeAsync(1, 2_000, 64, 2, 20, 64, context.CancellationToken);
        var seconds = new List<double>();
        for (int start = 0; start < 3; start++)
        {
            int port = ServeClient.FreePort();
            using var process = shop.Start(port);
            using var client = new ServeClient($"http://127.0.0.1:{port}");
            seconds.Add(await client.ReadyAsync(TimeSpan.FromSeconds(60), context.CancellationToken));
            process.Kill();
            await process.WaitForExitAsync(context.CancellationToken);
        }

        context.Report("ready_s", Median(seconds), "s", new { first = seconds[0], items = 2_000, width = 64, layers = 2 });
    }

    private static async Task SoakAsync(StudyContext context, double minutes)
    {
        const int Items = 2_000, Concurrency = 8, Warm = 4_000;
        using var shop = new ServeShop();
        await shop.MakeAsync(1, Items, 64, 2, 20, 64, context.CancellationToken);
        await using var app = ServeShop.Server(shop.Root, remembered: Warm);       // full after the warm-up
        await app.StartAsync(context.CancellationToken);
        using var client = new ServeClient(app.Urls.First());
        var (_, seconds) = await client.LoadAsync(Warm, Concurrency, Items, 0, context.CancellationToken);
        double rate = Warm / seconds / 2;                           // half of what the machine can do
        context.Log($"{rate:f0} requests a second for {minutes:f1} minutes");
        var clock = Stopwatch.StartNew();
        var resident = new List<double>();
        (long tensors, int handles) = (0, 0);
        int tenths = 10, sent = 0;
        for (int tenth = 0; tenth < tenths; tenth++)
        {
            var samples = new List<double>();
            do                                                      // once at least: a busy machine may fall behind by a tenth
            {
                int due = (int)(clock.Elapsed.TotalSeconds * rate) - sent;
                if (due > 0)
                {
                    await client.LoadAsync(due, Math.Min(due, Concurrency), Items, sent, context.CancellationToken);
                    sent += due;
                    var (status, answer) = await client.SendAsync(HttpMethod.Post, "/v1/events",
                        $$"""{"userId": "u{{sent % 500}}", "itemId": "{{sent % Items}}"}""",
                        context.CancellationToken, "application/x-ndjson");
                    if (status != 200)
                    {
                        throw new InvalidDataException($"An event got {status}: {answer}");
                    }
                }

                samples.Add(MachineReference.ResidentMegabytes());
                await Task.Delay(20, context.CancellationToken);
            }
            while (clock.Elapsed.TotalMinutes < minutes * (tenth + 1) / tenths);

            resident.Add(samples.Order().ElementAt(samples.Count / 2));
            GC.Collect();
            GC.WaitForPendingFinalizers();
            if (tenth == 0)
            {
                (tensors, handles) = (torch.Tensor.TotalCount, Handles());
            }

            context.Log(
                $"tenth {tenth + 1}: resident {resident[^1]:f1} MB, tensors {torch.Tensor.TotalCount}, "
                + $"handles {Handles()}, requests {sent}");
        }

        context.Report("soak.rss_drift", resident[^1] / resident[0] - 1, "x", new { first_mb = resident[0], last_mb = resident[^1],
            minutes, requests = sent });
        context.Report("soak.tensor_drift", torch.Tensor.TotalCount - tensors, "tensors");
        context.Report("soak.handle_drift", Handles() - handles, "handles", new { handles });
        await app.StopAsync(context.CancellationToken);
    }

    private static int Handles() => Directory.Exists("/proc/self/fd") ? Directory.GetFileSystemEntries("/proc/self/fd").Length
        : Process.GetCurrentProcess().HandleCount;

    private static double Median(IReadOnlyList<double> values) => values.Order().ElementAt(values.Count / 2);
}
