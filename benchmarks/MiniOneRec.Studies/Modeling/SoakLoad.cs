using System.Diagnostics;
using MiniOneRec.Modeling;

namespace MiniOneRec.Studies;

/// <summary>Callers of a recommender, each with one request at a time; histories and counts are drawn anew for every request.</summary>
internal sealed class SoakLoad
{
    private readonly IReadOnlyList<int> _histories;
    private readonly IReadOnlyList<int> _counts;
    private readonly int _items;

    private SoakLoad(IReadOnlyList<int> histories, IReadOnlyList<int> counts, int items, RecommenderOptions options) =>
        (_histories, _counts, _items, Options) = (histories, counts, items, options);

    /// <summary>Gets the recommender's options.</summary>
    public RecommenderOptions Options { get; }

    public static SoakLoad Read(StudyContext context) => new(
        context.Options("histories", 1, 2, 5, 10, 20),
        context.Options("counts", 5, 10, 20),
        context.Option("items", 2_000),
        new RecommenderOptions
        {
            BeamWidth = context.Option("beams", 10), BatchSize = context.Option("batch", 32), PackWeights = context.Option("pack", true),
        });

    /// <summary>Serves few and many callers whose histories are equally short or long, so that rare shapes have been seen.</summary>
    public async Task SweepAsync(GenerativeRecommender recommender, int concurrency, CancellationToken cancellationToken)
    {
        for (int callers = 1; callers <= concurrency; callers += Math.Max(1, callers / 4))
        {
            foreach (int history in _histories)
            {
                var alike = new SoakLoad([history], _counts, _items, Options);
                await alike.RunAsync(recommender, 4 * callers, callers, seed: 0, cancellationToken);
            }
        }
    }

    /// <summary>Serves requests and measures each.</summary>
    public async Task<SoakPart> RunAsync(
        GenerativeRecommender recommender, int requests, int concurrency, int seed, CancellationToken cancellationToken)
    {
        int next = 0;
        var milliseconds = new double[requests];
        var resident = new List<double>();
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, concurrency).Select(_ => Task.Run(CallAsync, cancellationToken)));
        resident.Add(MachineReference.ResidentMegabytes());
        return new SoakPart(milliseconds, clock.Elapsed.TotalSeconds, resident);

        async Task CallAsync()
        {
            for (int i = Interlocked.Increment(ref next) - 1; i < requests; i = Interlocked.Increment(ref next) - 1)
            {
                cancellationToken.ThrowIfCancellationRequested();
                var random = new Random(unchecked(seed * 1_000_003 + i));
                string[] history =
                    [.. Enumerable.Range(0, _histories[random.Next(_histories.Count)]).Select(_ => $"{random.Next(_items)}")];
                long start = Stopwatch.GetTimestamp();
                var result = await recommender.RecommendAsync(history, _counts[random.Next(_counts.Count)], cancellationToken);
                milliseconds[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                if (result.Items.Count == 0)
                {
                    throw new InvalidDataException($"Request {i} got no item.");
                }

                if (i % Math.Max(1, requests / 20) == 0)
                {
                    lock (resident)
                    {
                        resident.Add(MachineReference.ResidentMegabytes());
                    }
                }
            }
        }
    }
}

/// <summary>What a stretch of requests took.</summary>
/// <param name="milliseconds">Of each request.</param>
/// <param name="seconds">Of all.</param>
/// <param name="resident">Samples of resident memory in MB.</param>
internal sealed class SoakPart(double[] milliseconds, double seconds, List<double> resident)
{
    /// <summary>Gets the time from the first request to the last answer.</summary>
    public double Seconds => seconds;

    /// <summary>Gets the median of the samples.</summary>
    public double ResidentMegabytes { get; } = Median(resident);

    /// <summary>Gets a percentile of the latency.</summary>
    public double Percentile(double share) => milliseconds.Order().ElementAt((int)(share * (milliseconds.Length - 1)));

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);
}
