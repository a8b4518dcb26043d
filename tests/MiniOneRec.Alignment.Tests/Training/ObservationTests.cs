using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

/// <summary>What a run tells while it runs.</summary>
public sealed class ObservationTests
{
    private static readonly NextItemExample[] Validation =
        [new("v", ["0", "5"], "10"), new("w", ["3"], "8"), new("x", ["1", "6"], "11"), new("y", ["2"], "7")];

    [Fact]
    public async Task Meter_GivesEveryFigure()
    {
        using var recommender = Toy.Recommender(16).Recommender;
        var seen = new Dictionary<string, List<double>>();
        using var listener = new MeterListener
        {
            InstrumentPublished = (instrument, own) =>
            {
                if (instrument.Meter.Name == "MiniOneRec.Alignment")
                {
                    own.EnableMeasurementEvents(instrument);
                }
            },
        };
        void Take<T>(Instrument instrument, T value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? state)
            where T : struct
        {
            string name = instrument.Name + string.Concat(tags.ToArray().Select(tag => $"{{{tag.Key}={tag.Value}}}"));
            (seen.TryGetValue(name, out var values) ? values : seen[name] = [])
                .Add(Convert.ToDouble(value, System.Globalization.CultureInfo.InvariantCulture));
        }

        listener.SetMeasurementEventCallback<long>(Take);
        listener.SetMeasurementEventCallback<double>(Take);
        listener.Start();

        var result = await new SftTrainer(new SftOptions { Epochs = 2, BatchSize = 2, Validations = 2 })
            .TrainAsync(recommender, Toy.Users(), Validation);

        Assert.Equal(
            [
                "minionerec.sft.gradient_norm", "minionerec.sft.learning_rate", "minionerec.sft.loss",
                    "minionerec.sft.loss{task=next-sid}", "minionerec.sft.memory",
                "minionerec.sft.sample_rate", "minionerec.sft.samples", "minionerec.sft.steps", "minionerec.sft.token_rate",
                    "minionerec.sft.tokens",
                "minionerec.sft.validation{metric=HR@10}", "minionerec.sft.validation{metric=NDCG@10}",
                "minionerec.sft.validation{metric=sid.HR@10}", "minionerec.sft.validation{metric=sid.NDCG@10}",
            ],
            seen.Keys.Order(StringComparer.Ordinal));
        Assert.Equal(result.Steps, seen["minionerec.sft.steps"].Sum());
        Assert.Equal(2 * 8, seen["minionerec.sft.samples"].Sum());
        Assert.Equal(2 * 8 * 16, seen["minionerec.sft.tokens"].Sum());
        Assert.Equal(result.History.Select(step => step.Metrics["loss"]), seen["minionerec.sft.loss"]);
        Assert.Equal(2, seen["minionerec.sft.validation{metric=NDCG@10}"].Count);
    }

    [Fact]
    public async Task Logger_GetsStagesSkipsAndSteps()
    {
        using var recommender = Toy.Recommender(16).Recommender;
        var logger = new ListLogger();
        UserSequence[] users = [.. Toy.Users(), new UserSequence("lost", ["?"])];

        await new SftTrainer([new NextItemTask { Mode = NextItemMode.Row }],
            new SftOptions { Epochs = 1, BatchSize = 16, Validations = 1 }, logger)
            .TrainAsync(recommender, [.. users, new UserSequence("half", ["?", "5"])], Validation);

        Assert.Contains((LogLevel.Warning, "Left out 1 of next-sid: no known item in the history, or an unknown target."), logger.Lines);
        Assert.Contains(logger.Lines, line => line.Level == LogLevel.Information
            && line.Text.StartsWith("Training on 32 samples with 96 labels: 2 steps of 16", StringComparison.Ordinal));
        Assert.Equal(2,
            logger.Lines.Count(line => line.Level == LogLevel.Debug && line.Text.Contains("tokens/s", StringComparison.Ordinal)));
        Assert.Contains(logger.Lines, line => line.Text.StartsWith("Validation after step 2: NDCG@10", StringComparison.Ordinal));
        Assert.Contains(logger.Lines, line => line.Text.StartsWith("Training ended (completed) after 2 steps", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(ValidationMetric.HitRate)]
    [InlineData(ValidationMetric.Ndcg)]
    public async Task Ranking_EqualsWhatTheRecommenderAnswers(ValidationMetric metric)
    {
        var (recommender, index) = Toy.Recommender(16);
        using var owned = recommender;
        var options = new SftOptions { Epochs = 4, BatchSize = 4, Validations = 1, ValidationCutoff = 5, ValidationBeamWidth = 5,
            Validation = metric, AverageDecay = 0 };
        NextItemExample[] rows = [.. Enumerable.Range(0, 24).Select(i => new NextItemExample($"u{i}", [$"{i}"], $"{(i + 5) % 24}"))];

        var result = await new SftTrainer(options).TrainAsync(recommender, Toy.Users(), rows);

        using var serving =
            new GenerativeRecommender(recommender.Model, index, recommender.Template, new RecommenderOptions { BeamWidth = 5 });
        double hits = 0, gain = 0;
        foreach (var row in rows)
        {
            var answer = await serving.RecommendAsync([.. row.History], 5);
            int rank = answer.Items.ToList().FindIndex(item => item.ItemId == row.Target);
            hits += rank >= 0 ? 1 : 0;
            gain += rank >= 0 ? 1 / Math.Log2(rank + 2) : 0;
        }

        Assert.InRange(hits, 1, 23);
        Assert.Equal(hits / 24, result.History[^1].Metrics["HR@5"], 1e-9);
        Assert.Equal(gain / 24, result.History[^1].Metrics["NDCG@5"], 1e-9);
        Assert.Equal(result.History[^1].Metrics[metric == ValidationMetric.HitRate ? "HR@5" : "NDCG@5"], result.BestValidation);
    }

    private sealed class ListLogger : ILogger<SftTrainer>
    {
        public List<(LogLevel Level, string Text)> Lines { get; } = [];

        public IDisposable? BeginScope<TState>(TState state)
            where TState : notnull => null;

        public bool IsEnabled(LogLevel logLevel) => true;

        public void Log<TState>(LogLevel logLevel, EventId eventId, TState state, Exception? exception, Func<TState, Exception?,
            string> formatter) =>
            Lines.Add((logLevel, formatter(state, exception)));
    }
}
