using System.Diagnostics;
using MiniOneRec.Modeling;

namespace MiniOneRec.Studies;

/// <summary>What a batch gains over single requests, which bounds the latency under load.</summary>
/// <remarks>
/// Callers in a closed loop wait <c>callers / throughput</c> on average (Little's law). A batch that answers <c>g</c> times as many
/// requests a second as single ones do leaves a mean of <c>callers / g</c> single requests.
/// </remarks>
internal static class ServeBatches
{
    public static async Task RunAsync(StudyContext context)
    {
        int items = context.Option("items", 5_000), requests = context.Option("batch-requests", 128), turns = context.Option("turns", 3),
            concurrency = context.Option("concurrency", 64);
        var sizes = context.Options("batches", 1, 2, 4, 8, 16, 32, 64);
        using var shop = new ServeShop();
        await shop.MakeAsync(1, items, context.Option("width", 256), context.Option("layers", 4), context.Option("beams", 50), 64,
            context.CancellationToken);
        using var recommender = await GenerativeRecommender.LoadAsync(Path.Combine(shop.Root, "shop-1"),
            cancellationToken: context.CancellationToken);
        var rates = sizes.ToDictionary(size => size, _ => new List<double>());
        var cores = sizes.ToDictionary(size => size, _ => new List<double>());
        for (int turn = -1; turn < turns; turn++)                   // the first one warms up
        {
            foreach (int size in sizes)
            {
                RecommendationRequest[] all = [.. Enumerable.Range(0, requests).Select(i =>
                    new RecommendationRequest { History = ServeClient.History(turn * requests + i + requests, items) })];
                var used = Process.GetCurrentProcess().TotalProcessorTime;
                var clock = Stopwatch.StartNew();
                var direct = recommender.Direct(options => options.BatchSize = size);
                direct.Recommend(all, context.CancellationToken);
                double seconds = clock.Elapsed.TotalSeconds;
                if (turn >= 0)
                {
                    rates[size].Add(requests / seconds);
                    cores[size].Add((Process.GetCurrentProcess().TotalProcessorTime - used).TotalSeconds / seconds);
                }
            }
        }

        double alone = Median(rates[sizes[0]]), best = 0;
        foreach (int size in sizes)
        {
            double rate = Median(rates[size]);
            best = Math.Max(best, rate);
            context.Report("batch.per_s", rate, "requests/s", new { size, cores = Median(cores[size]) });
        }

        context.Report("batch.gain", best / alone, "x", new { single_per_s = alone, best_per_s = best });
        context.Report("batch.mean_over_alone", concurrency / (best / alone), "x", new { concurrency });
    }

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
