using System.Diagnostics.Metrics;
using MiniOneRec.Modeling;

namespace MiniOneRec.Reinforcement.Tests;

/// <summary>What a run means for serving and for meters.</summary>
public sealed class ServingTests
{
    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}"], $"i{(u * 3) % 20}"))];

    [Fact]
    public async Task Grpo_RefusesToServeMeanwhileExceptOnItsThread()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        var asking = new AskingReward(recommender);

        await new GrpoTrainer([asking], new GrpoOptions { Steps = 2, PromptsPerStep = 2, GroupSize = 4 })
            .TrainAsync(recommender, Users, Users);

        Assert.True(asking.Own > 0);
        Assert.Contains("being trained", Assert.IsType<InvalidOperationException>(asking.Other).Message, StringComparison.Ordinal);
        Assert.Single((await recommender.RecommendAsync(["i1"], 1)).Items);
    }

    [Fact]
    public async Task Preference_RefusesToServeMeanwhile()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        Exception? other = null;
        var progress = new Telling(() =>
        {
            var thread = new Thread(() => other = Record.Exception(() => recommender.RecommendAsync(["i1"], 1).GetAwaiter().GetResult()));
            thread.Start();
            thread.Join();
        });

        await new PreferenceTrainer(new PreferenceOptions { Steps = 2, PromptsPerStep = 2 })
            .TrainAsync(recommender, Users, progress: progress);

        Assert.Contains("being trained", Assert.IsType<InvalidOperationException>(other).Message, StringComparison.Ordinal);
        Assert.Single((await recommender.RecommendAsync(["i1"], 1)).Items);
    }

    [Fact]
    public async Task Meters_EndWithTheRunUnlessAContainerOwnsThem()
    {
        using var recommender = Toy.Recommender(Toy.Index(20, [4, 4, 4]));
        int published = 0, completed = 0;
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, own) =>
            {
                if (instrument.Meter.Name == "MiniOneRec.Reinforcement")
                {
                    Interlocked.Increment(ref published);
                    own.EnableMeasurementEvents(instrument);
                }
            },
            MeasurementsCompleted = (_, _) => Interlocked.Increment(ref completed),
        };
        listener.Start();
        using var meters = new Factory();
        var options = new GrpoOptions { Steps = 1, PromptsPerStep = 2, GroupSize = 4 };

        await new GrpoTrainer([new ExactMatchReward()], options).TrainAsync(recommender, Users);
        Assert.True(published > 0);
        Assert.Equal(published, completed);
        await new GrpoTrainer([new ExactMatchReward()], options) { Meters = meters }.TrainAsync(recommender, Users);

        Assert.True(published > completed);
        meters.Dispose();
        Assert.Equal(published, completed);
    }

    private sealed class AskingReward(GenerativeRecommender recommender) : IRewardFunction
    {
        public string Name => "asking";

        public int Own { get; private set; }

        public Exception? Other { get; private set; }

        public void Score(RolloutGroup group, Span<double> rewards)
        {
            Own += recommender.Recommend([new RecommendationRequest { History = ["i1"], Count = 1 }])[0].Items.Count;
            var thread = new Thread(() => Other = Record.Exception(() => recommender.RecommendAsync(["i1"], 1).GetAwaiter().GetResult()));
            thread.Start();
            thread.Join();
            for (int i = 0; i < rewards.Length; i++)
            {
                rewards[i] = i;
            }
        }
    }

    private sealed class Telling(Action tell) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => tell();
    }

    private sealed class Factory : IMeterFactory
    {
        private readonly List<Meter> _made = [];

        public Meter Create(MeterOptions options)
        {
            _made.Add(new Meter(options));
            return _made[^1];
        }

        public void Dispose() => _made.ForEach(meter => meter.Dispose());
    }
}
