using System.Diagnostics;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;

namespace MiniOneRec.Modeling.Tests;

/// <summary>What a recommender tells while it serves: metrics, activities, log messages.</summary>
public sealed class ServingTelemetryTests
{
    [Fact]
    public async Task Meter_GivesEveryFigure()
    {
        using var meters = new ServingToy.Meters();
        using var requests = Collect<long>(meters, RecommenderDiagnostics.Requests);
        using var queue = Collect<long>(meters, RecommenderDiagnostics.QueueLength);
        using var sizes = Collect<int>(meters, RecommenderDiagnostics.BatchSize);
        using var durations = Collect<double>(meters, RecommenderDiagnostics.Duration);
        using var beams = Collect<int>(meters, RecommenderDiagnostics.Beams);
        using var skipped = Collect<long>(meters, RecommenderDiagnostics.SkippedHistoryItems);
        using var shortfall = Collect<long>(meters, RecommenderDiagnostics.Shortfall);
        using var swaps = Collect<long>(meters, RecommenderDiagnostics.Swaps);
        using (var recommender =
            ServingToy.Make(new RecommenderOptions { QueueCapacity = 4, QueueFullMode = QueueFullMode.Reject }, meters))
        {
            recommender.Name = "shop";
            recommender.Fallback = new ServingToy.Answering("z");
            recommender.Prior = new ServingToy.Scoring(history => history[0] == "f" ? throw new TimeZoneNotFoundException() : 1);
            await recommender.RecommendAsync(
                [new() { History = ["a", "?", "??"], Count = 10 }, ServingToy.Ask("b"), ServingToy.Ask("nobody")]);
            await Assert.ThrowsAnyAsync<ArgumentException>(() => recommender.RecommendAsync(["a"], 0));
            await Assert.ThrowsAsync<TimeoutException>(() =>
                recommender.RecommendAsync(ServingToy.Ask("a") with { Deadline = DateTimeOffset.UnixEpoch }));
            await Assert.ThrowsAsync<RecommendationQueueFullException>(() =>
                recommender.RecommendAsync([.. Enumerable.Repeat(ServingToy.Ask("a"), 5)]));
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
                recommender.RecommendAsync(["a"], 1, new CancellationToken(canceled: true)));
            await Assert.ThrowsAsync<TimeZoneNotFoundException>(() => recommender.RecommendAsync(["f"], 1));
            recommender.Swap(ServingToy.Index);
        }

        await using (var host = new RecommenderHost(meters: meters) { Name = "host" })
        {
            await host.SwapAsync(new ServingToy.Answering("x"), "1");
        }

        Assert.Equal(
            [("answered", 2), ("cancelled", 1), ("failed", 1), ("fallback", 1), ("invalid", 1), ("late", 1), ("rejected", 5)],
            requests.GetMeasurementSnapshot().GroupBy(taken => (string)taken.Tags["outcome"]!)
            .Select(group => (group.Key, group.Sum(taken => taken.Value))).Order());
        Assert.All(requests.GetMeasurementSnapshot(), taken => Assert.Equal("shop", taken.Tags["recommender"]));
        Assert.Equal((2, 0), (queue.GetMeasurementSnapshot()[0].Value, queue.GetMeasurementSnapshot().Sum(taken => taken.Value)));
        Assert.Equal([2, 1], sizes.GetMeasurementSnapshot().Select(taken => taken.Value));
        Assert.Equal([5, 5], beams.GetMeasurementSnapshot().Select(taken => taken.Value));
        Assert.Equal(2, skipped.GetMeasurementSnapshot().Sum(taken => taken.Value));
        Assert.Equal(4, shortfall.GetMeasurementSnapshot().Sum(taken => taken.Value));
        Assert.Equal([("catalogue", "shop"), ("model", "host")],
            swaps.GetMeasurementSnapshot().Select(taken => ((string)taken.Tags["kind"]!, (string)taken.Tags["recommender"]!)));
        Assert.Equal(
            ["load", "prepare", "prior", "queued", "rank", "search", "total", "warmup"],
            durations.GetMeasurementSnapshot().Select(taken => (string)taken.Tags["stage"]!).Distinct().Order(StringComparer.Ordinal));
        Assert.All(durations.GetMeasurementSnapshot(), taken => Assert.InRange(taken.Value, 0, 60));
    }

    [Fact]
    public async Task Meter_WithoutAContainer_EndsWithTheRecommender()
    {
        var ended = new HashSet<object>();
        using var listener = new MeterListener
        {
            InstrumentPublished = static (instrument, own) =>
            {
                if (instrument.Name == RecommenderDiagnostics.Swaps)
                {
                    own.EnableMeasurementEvents(instrument, instrument);
                }
            },
            MeasurementsCompleted = (_, state) =>
            {
                lock (ended)
                {
                    ended.Add(state!);
                }
            },
        };
        var counted = new HashSet<object>();
        listener.SetMeasurementEventCallback<long>((_, _, tags, state) =>
        {
            if (tags.ToArray().Any(tag => tag.Value is "ending"))
            {
                counted.Add(state!);
            }
        });
        listener.Start();
        var recommender = ServingToy.Make();
        recommender.Name = "ending";
        recommender.Swap(ServingToy.Index);
        var own = Assert.Single(counted);
        await using var host = new RecommenderHost(recommender, "1");
        Assert.DoesNotContain(own, ended);

        await host.DisposeAsync();

        Assert.Contains(own, ended);
    }

    [Fact]
    public async Task Meter_OfAContainer_OutlivesTheRecommender()
    {
        using var meters = new ServingToy.Meters();
        using var swaps = Collect<long>(meters, RecommenderDiagnostics.Swaps);
        for (int i = 0; i < 2; i++)
        {
            using var recommender = ServingToy.Make(meters: meters);
            recommender.Swap(ServingToy.Index);
            await recommender.RecommendAsync(["a"], 1);
        }

        Assert.Equal(2, swaps.GetMeasurementSnapshot().Count);
    }

    [Fact]
    public async Task Activities_OfCallAndBatch_AreLinked()
    {
        var seen = new List<Activity>();
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name == RecommenderDiagnostics.ActivitySourceName,
            Sample = (ref _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                lock (seen)
                {
                    if (activity.GetTagItem("minionerec.recommender") is "traced")
                    {
                        seen.Add(activity);
                    }
                }
            },
        };
        ActivitySource.AddActivityListener(listener);
        using (var recommender = ServingToy.Make())
        {
            recommender.Name = "traced";
            await recommender.RecommendAsync([ServingToy.Ask("a"), ServingToy.Ask("b")]);
            await Assert.ThrowsAnyAsync<ArgumentException>(() => recommender.RecommendAsync(["a"], 0));
        }

        var calls = seen.Where(activity => activity.OperationName == "MiniOneRec.Recommend").ToArray();
        var batch = Assert.Single(seen, activity => activity.OperationName == "MiniOneRec.RecommendBatch");
        Assert.Equal([ActivityStatusCode.Unset, ActivityStatusCode.Error], calls.Select(call => call.Status));
        Assert.Equal(2, calls[0].GetTagItem("minionerec.requests"));
        Assert.Equal(2, batch.GetTagItem("minionerec.batch.size"));
        Assert.Equal(calls[0].SpanId, Assert.Single(batch.Links).Context.SpanId);
    }

    [Fact]
    public async Task Logger_GetsBatchesAtDebugAndSwapsAtInformation()
    {
        var logger = new FakeLogger<GenerativeRecommender>();
        using var recommender = ServingToy.Make(logger: logger);
        await recommender.RecommendAsync([ServingToy.Ask("a"), ServingToy.Ask("b")]);
        recommender.Swap(ServingToy.Index);
        var collector = new FakeLogCollector();
        using var provider = new FakeLoggerProvider(collector);
        using var hosted = LoggerFactory.Create(builder => builder.AddProvider(provider));
        await using (var host = new RecommenderHost(loggers: hosted))
        {
            await host.SwapAsync(new ServingToy.Answering("x"), "7");
            await Assert.ThrowsAsync<DirectoryNotFoundException>(() => host.SwapAsync("/nowhere/8"));
        }

        Assert.Contains(logger.Collector.GetSnapshot(), line =>
            line.Level == LogLevel.Debug
                && line.Message.StartsWith("Answered a batch of 2 requests, 0 of them with an error", StringComparison.Ordinal));
        Assert.Contains(logger.Collector.GetSnapshot(), line => line.Level == LogLevel.Information
            && line.Message.StartsWith("Serving a new catalogue: 6 items", StringComparison.Ordinal));
        Assert.Contains(collector.GetSnapshot(),
            line => line.Level == LogLevel.Information && line.Message.StartsWith("Serving version 7", StringComparison.Ordinal));
        Assert.Contains(collector.GetSnapshot(), line => line.Level == LogLevel.Warning
            && line.Message.StartsWith("Version 8 was not taken into service; 7", StringComparison.Ordinal));
        Assert.Contains(collector.GetSnapshot(), line => line.Level == LogLevel.Information
            && line.Message.StartsWith("Version 7 answered its last request", StringComparison.Ordinal));
    }

    private static MetricCollector<T> Collect<T>(ServingToy.Meters meters, string instrument)
        where T : struct => new(meters, RecommenderDiagnostics.MeterName, instrument);
}
