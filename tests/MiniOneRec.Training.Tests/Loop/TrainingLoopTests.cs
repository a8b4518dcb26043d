namespace MiniOneRec.Training.Tests;

public sealed class TrainingLoopTests
{
    [Theory]
    [InlineData(3, null, 4, 12)]
    [InlineData(3, 5L, 4, 5)]
    [InlineData(null, 7L, 4, 7)]
    [InlineData(3, 100L, 4, 12)]
    public void Run_StepsAndEpochs_EndAtTheFirstBound(int? epochs, long? steps, long perEpoch, long expected)
    {
        var run = new Run(new TrainingBudget { Epochs = epochs, MaxSteps = steps }, perEpoch);
        Assert.Equal("completed", run.Start());
        Assert.Equal(Enumerable.Range(1, (int)expected).Select(step => (long)step), run.Contexts.Select(context => context.Step));
        Assert.All(run.Contexts, context => Assert.Equal(expected, context.TotalSteps));
        Assert.Equal(expected, run.Loop.StepsHere);
    }

    [Fact]
    public void StepsOf_NoBound_Throws() => Assert.Throws<ArgumentException>(() => new TrainingBudget().StepsOf(3));

    [Fact]
    public void Run_TimeIsOver_EndsAfterAWholeStepAndCountsNoValidation()
    {
        var run =
            new Run(new TrainingBudget { Epochs = 100, MaxDuration = TimeSpan.FromSeconds(10) }, 10, new ValidationOptions { Count = 5 });
        Assert.Equal("time is over", run.Start());
        Assert.Equal(10, run.Contexts.Count);                                               // a second each
        Assert.Equal([2L, 4L, 6L, 8L, 10L], run.Callbacks.Validations);                     // five, by time
        Assert.Equal(TimeSpan.FromSeconds(10), run.Loop.State.Trained);
        Assert.Equal(TimeSpan.FromSeconds(10 + 5 * 60), run.Loop.Elapsed);                  // a minute each
    }

    [Fact]
    public void Run_TimeIsLeft_EndsByStepsAndIsCompleted()
    {
        var run =
            new Run(new TrainingBudget { MaxSteps = 4, MaxDuration = TimeSpan.FromSeconds(4) }, 10, new ValidationOptions { Count = 2 });
        Assert.Equal("completed", run.Start());
        Assert.Equal([2L, 4L], run.Callbacks.Validations);
    }

    [Theory]
    [InlineData(100, 10, new long[] { 1, 10, 20, 30, 40, 50, 60, 70, 80, 90 })]             // time ends it: a tenth of the steps a second
    [InlineData(5, 10, new long[] { 1, 2, 3, 4, 5 })]                                        // the steps end it
    public void Run_RateFollowsTime_EndsItsCourseWithTheTime(int steps, int seconds, long[] expected)
    {
        var run = new Run(new TrainingBudget { MaxSteps = steps, MaxDuration = TimeSpan.FromSeconds(seconds) }, 10)
        {
            RateSteps = steps, RateFollowsTime = true,
        };

        run.Start();

        var curve = new LearningRateCurve { Peak = 1, Schedule = LearningRateSchedule.Linear, TotalSteps = steps };
        Assert.Equal(expected.Select(curve.At), run.Contexts.Select(context => context.LearningRate));
    }

    [Fact]
    public void Run_OnlyTime_NeedsNoOtherBound()
    {
        var run = new Run(new TrainingBudget { MaxDuration = TimeSpan.FromSeconds(3) }, 10, new ValidationOptions { Count = 1 });
        Assert.Equal("time is over", run.Start());
        Assert.Equal([3L], run.Callbacks.Validations);
    }

    [Theory]
    [InlineData(10, 3)]
    [InlineData(7, 7)]
    [InlineData(5, 10)]
    [InlineData(100, 1)]
    public void Run_CountOfValidations_AreWhereTheyWereBefore(int total, int count)
    {
        var run = new Run(new TrainingBudget { MaxSteps = total }, 10, new ValidationOptions { Count = count });
        run.Start();
        var expected = Enumerable.Range(1, total).Where(step => (long)step * count / total > (long)(step - 1) * count / total)
            .Select(step => (long)step);
        Assert.Equal(expected, run.Callbacks.Validations);
    }

    [Fact]
    public void Run_Every_ValidatesAtStartInBetweenAndAtTheEnd()
    {
        var run = new Run(new TrainingBudget { MaxSteps = 7 }, 10, new ValidationOptions { Every = 3, AtStart = true });
        run.Start();
        Assert.Equal([0L, 3L, 6L, 7L], run.Callbacks.Validations);
        Assert.Equal([0L, .. Enumerable.Range(1, 7).Select(step => (long)step)], run.Loop.History.Select(report => report.Step));
    }

    [Fact]
    public void Run_NoGainForSoLong_StopsEarly()
    {
        var run = new Run(new TrainingBudget { MaxSteps = 100 }, 10, new ValidationOptions { Every = 2, Patience = 3 });
        run.Callbacks.Improves = step => step <= 4;
        Assert.Equal("early stopping", run.Start());
        Assert.Equal(10, run.Loop.State.Step);
        Assert.Equal((10L, SaveCause.Ended), run.Callbacks.Saves[^1]);
    }

    [Fact]
    public void Run_AStepsStop_ValidatesReportsAndEnds()
    {
        var run = new Run(new TrainingBudget { MaxSteps = 100 }, 10, new ValidationOptions { Every = 50 });
        run.Outcome = context => new StepOutcome { Metrics = [], StopReason = context.Step == 4 ? "the guard" : null };
        Assert.Equal("the guard", run.Start());
        Assert.Equal([4L], run.Callbacks.Validations);
        Assert.Equal(4, run.Loop.History.Count);
    }

    [Fact]
    public void Run_ADivergence_ReportsAndThrowsWithoutSaving()
    {
        var run = new Run(new TrainingBudget { MaxSteps = 100 }, 10) { CheckpointEvery = 2 };
        run.Outcome = context =>
            new StepOutcome { Metrics = new() { ["loss"] = 1 }, Divergence = context.Step == 4 ? "the loss is NaN" : null };
        var error = Assert.Throws<TrainingDivergedException>(() => run.Start());
        Assert.Equal((4L, "the loss is NaN"), (error.Step, error.Message));
        Assert.Equal([(2L, SaveCause.Interval)], run.Callbacks.Saves);
        Assert.Equal(4, run.Loop.History.Count);
        Assert.IsAssignableFrom<InvalidOperationException>(error);                          // what trainers threw in version 0.1
    }

    [Fact]
    public void Run_Cancelled_SavesOnceAndThrows()
    {
        using var source = new CancellationTokenSource();
        var run = new Run(new TrainingBudget { MaxSteps = 100 }, 10) { CheckpointEvery = 2 };
        run.Outcome = context =>
        {
            if (context.Step == 5)
            {
                source.Cancel();
            }

            return new StepOutcome();
        };
        Assert.ThrowsAny<OperationCanceledException>(() => run.Start(cancellationToken: source.Token));
        Assert.Equal([(2L, SaveCause.Interval), (4L, SaveCause.Interval), (5L, SaveCause.Cancelled)], run.Callbacks.Saves);
        Assert.Null(run.Loop.State.StopReason);
    }

    [Fact]
    public void Run_ValidationCancelled_IsMadeUpForOnResumption()
    {
        var run = new Run(new TrainingBudget { MaxSteps = 6 }, 10, new ValidationOptions { Every = 3 });
        run.Callbacks.Improves = _ => throw new OperationCanceledException();
        Assert.Throws<OperationCanceledException>(() => run.Start());
        Assert.True(run.Loop.State is { Step: 3, ValidationDue: true });
        Assert.Equal([(3L, SaveCause.Cancelled)], run.Callbacks.Saves);

        var later = new Run(new TrainingBudget { MaxSteps = 6 }, 10, new ValidationOptions { Every = 3 });
        Assert.Equal("completed", later.Start(run.Loop.State));
        Assert.Equal([3L, 6L], later.Callbacks.Validations);
        Assert.Equal([4L, 5L, 6L], later.Contexts.Select(context => context.Step));
    }

    [Fact]
    public void Run_Resumed_TakesTheStepsThatAreLeftWithTheSameRatesAndSeeds()
    {
        var whole = new Run(new TrainingBudget { MaxSteps = 9 }, 10, new ValidationOptions { Count = 3 });
        whole.Start();
        var part = new Run(new TrainingBudget { MaxSteps = 9 }, 10, new ValidationOptions { Count = 3 });
        part.Start(new LoopState { Step = 4 });
        Assert.Equal(whole.Contexts.Skip(4), part.Contexts);
        Assert.Equal([6L, 9L], part.Callbacks.Validations);
        Assert.Equal(5, part.Loop.StepsHere);
    }

    [Fact]
    public void Run_AStateThatIsOver_TakesNoStep()
    {
        var run = new Run(new TrainingBudget { MaxSteps = 9 }, 10);
        Assert.Equal("early stopping", run.Start(new LoopState { Step = 4, StopReason = "early stopping" }));
        Assert.Empty(run.Contexts);
    }

    [Fact]
    public void Run_SilentSteps_ReportNothingAndHistoryKeepsSome()
    {
        var run = new Run(new TrainingBudget { MaxSteps = 11 }, 10) { HistoryEvery = 4 };
        run.Outcome = context => new StepOutcome { Metrics = context.Step % 2 == 0 || context.Step == 11 ? new() { ["loss"] = 1 } : null };
        run.Start();
        Assert.Equal([2L, 4L, 6L, 8L, 10L, 11L], run.Callbacks.Reports.Select(report => report.Step));
        Assert.Equal([4L, 8L, 11L], run.Loop.History.Select(report => report.Step));
        Assert.Equal(run.Callbacks.Reports, run.Progress);
    }

    /// <summary>A run whose steps take a second and whose validations take a minute.</summary>
    private sealed class Run(TrainingBudget budget, long perEpoch, ValidationOptions? validation = null) : ITrainingStep,
        IProgress<TrainingProgress>
    {
        private readonly Clock _clock = new();

        public List<StepContext> Contexts { get; } = [];

        public List<TrainingProgress> Progress { get; } = [];

        public Recorder Callbacks => field ??= new Recorder(_clock);

        public TrainingLoop Loop => field ??= new TrainingLoop(Plan(), this, Callbacks, this, _clock);

        public Func<StepContext, StepOutcome> Outcome { get; set; } = _ => new StepOutcome { Metrics = [] };

        public long CheckpointEvery { get; init; }

        public long HistoryEvery { get; init; } = 1;

        public long RateSteps { get; init; } = 9;

        public bool RateFollowsTime { get; init; }

        public string Start(LoopState? state = null, CancellationToken cancellationToken = default) =>
            Loop.Run(state ?? new LoopState(), cancellationToken);

        private TrainingPlan Plan() => new()
        {
            Stage = "toy",
            Budget = budget,
            StepsPerEpoch = perEpoch,
            LearningRate = new LearningRateCurve { Peak = 1, Schedule = LearningRateSchedule.Linear, TotalSteps = RateSteps },
            LearningRateFollowsTime = RateFollowsTime,
            Seed = 42,
            Validation = validation,
            CheckpointEvery = CheckpointEvery,
            HistoryEvery = HistoryEvery,
        };

        StepOutcome ITrainingStep.Run(StepContext context)
        {
            Contexts.Add(context);
            _clock.Now += TimeSpan.FromSeconds(1);
            return Outcome(context);
        }

        void IProgress<TrainingProgress>.Report(TrainingProgress value) => Progress.Add(value);
    }

    private sealed class Recorder(Clock clock) : TrainingCallbacks
    {
        public List<long> Validations { get; } = [];

        public List<(long Step, SaveCause Cause)> Saves { get; } = [];

        public List<TrainingProgress> Reports { get; } = [];

        public Func<long, bool> Improves { get; set; } = _ => true;

        public override ValidationOutcome Validate(long step, Dictionary<string, double> metrics, CancellationToken cancellationToken)
        {
            clock.Now += TimeSpan.FromMinutes(1);
            bool improved = Improves(step);
            Validations.Add(step);
            metrics["figure"] = step;
            return new ValidationOutcome(improved);
        }

        public override void Save(LoopState state, SaveCause cause) => Saves.Add((state.Step, cause));

        public override void Report(TrainingProgress report) => Reports.Add(report);

        public override TrainingDivergedException Diverged(long step, string what) => new(what) { Step = step };
    }

    private sealed class Clock : TimeProvider
    {
        public TimeSpan Now { get; set; }

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => Now.Ticks;
    }
}
