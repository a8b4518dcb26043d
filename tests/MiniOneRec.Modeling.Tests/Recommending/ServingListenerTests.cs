using System.Diagnostics;
using System.Diagnostics.Metrics;

namespace MiniOneRec.Modeling.Tests;

/// <summary>Listeners to metrics and activities are the application's code and may throw.</summary>
public sealed class ServingListenerTests
{
    [Fact]
    public async Task ListenersThatThrow_FailNoRequestAndKeepTheQueueAlive()
    {
        const string Mine = "ListenersThatThrow";
        int thrown = 0;
        using var metrics = new MeterListener
        {
            InstrumentPublished = static (instrument, listener) =>
            {
                if (instrument.Meter.Name == RecommenderDiagnostics.MeterName)
                {
                    listener.EnableMeasurementEvents(instrument);
                }
            },
        };
        metrics.SetMeasurementEventCallback<long>((_, _, tags, _) => Throw(tags));
        metrics.SetMeasurementEventCallback<int>((_, _, tags, _) => Throw(tags));
        metrics.SetMeasurementEventCallback<double>((_, _, tags, _) => Throw(tags));
        metrics.Start();
        using var own = new ActivitySource("ListenersThatThrow.Own");
        using var activities = new ActivityListener
        {
            ShouldListenTo = source => source.Name is RecommenderDiagnostics.ActivitySourceName or "ListenersThatThrow.Own",
            Sample = static (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity => ThrowFor(activity.GetTagItem("minionerec.recommender")),
        };
        ActivitySource.AddActivityListener(activities);
        using (var recommender = ServingToy.Make())
        {
            recommender.Name = Mine;
            using var outer = own.StartActivity("outer");
            for (int round = 0; round < 3; round++)
            {
                var results = await Task.WhenAll(Enumerable.Range(0, 8).Select(_ => recommender.RecommendAsync(ServingToy.Ask("a"))))
                    .WaitAsync(ServingToy.Patience);
                Assert.All(results, result => Assert.Equal(2, result.Items.Count));
            }

            using var cancelled = new CancellationTokenSource(0);
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => recommender.RecommendAsync(ServingToy.Ask("a"), cancelled.Token))
                .WaitAsync(ServingToy.Patience);
            Assert.Same(outer, Activity.Current);
        }

        Assert.True(thrown > 50, $"{thrown} throws");

        void Throw(ReadOnlySpan<KeyValuePair<string, object?>> tags)
        {
            foreach (var tag in tags)
            {
                if (tag.Key == "recommender")
                {
                    ThrowFor(tag.Value);
                }
            }
        }

        void ThrowFor(object? name)
        {
            if (name is Mine)
            {
                Interlocked.Increment(ref thrown);
                throw new InvalidOperationException("a listener's own");
            }
        }
    }
}
