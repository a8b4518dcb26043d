namespace MiniOneRec.Training;

/// <summary>Runs the steps of a training run until its budget is used up, its patience is lost, or it is cancelled.</summary>
/// <param name="plan">What to do.</param>
/// <param name="step">Does one step.</param>
/// <param name="callbacks">Validates, saves and receives reports.</param>
/// <param name="progress">The caller's progress, or <see langword="null"/>.</param>
/// <param name="time">The clock, by default the system's.</param>
internal sealed class TrainingLoop(
    TrainingPlan plan, ITrainingStep step, TrainingCallbacks callbacks, IProgress<TrainingProgress>? progress = null,
    TimeProvider? time = null)
{
    /// <summary>The reason of a run that used up its time.</summary>
    public const string TimeOver = "time is over";

    /// <summary>The reason of a run that took all its steps.</summary>
    public const string Completed = "completed";

    private readonly TimeProvider _time = time ?? TimeProvider.System;
    private readonly List<TrainingProgress> _history = [];
    private readonly long _total = plan.TotalSteps;
    private long _validated;
    private long _saved;

    /// <summary>Gets where the run stands.</summary>
    public LoopState State { get; private set; } = new();

    /// <summary>Gets the reports that the result keeps.</summary>
    public IReadOnlyList<TrainingProgress> History => _history;

    /// <summary>Gets the time since <see cref="Run"/> began.</summary>
    public TimeSpan Elapsed { get; private set; }

    /// <summary>Gets the steps that <see cref="Run"/> took.</summary>
    public long StepsHere { get; private set; }

    /// <summary>Runs on the calling thread.</summary>
    /// <param name="start">Where the run stands at first.</param>
    /// <param name="cancellationToken">Looked at before each step; what was done is saved before the exception leaves.</param>
    /// <returns>Why the run ended.</returns>
    /// <exception cref="OperationCanceledException">The caller cancelled.</exception>
    /// <exception cref="TrainingDivergedException">A step gave numbers that are not finite.</exception>
    public string Run(LoopState start, CancellationToken cancellationToken)
    {
        long began = _time.GetTimestamp();
        (State, _saved) = (start, start.Step);
        _validated = plan.Validation?.Reached(start.Step, _total, start.Trained, plan.Budget.MaxDuration) ?? 0;
        bool validates = start.ValidationDue || (start.Step == 0 && plan.Validation is { AtStart: true });
        if (validates || (start.Step == 0 && plan.StartMetrics is not null))
        {
            var metrics = start.Step == 0 && plan.StartMetrics is { } figures ? new Dictionary<string, double>(figures) : [];
            if (validates)
            {
                Validate(metrics, cancellationToken);
            }

            Report(metrics);
        }

        if (State.StopReason is null && State.Step < _total && plan.Budget.IsTimeOver(State.Trained))
        {
            State = State with { StopReason = TimeOver };
        }

        while (State.Step < _total && State.StopReason is null)
        {
            if (callbacks.AgreeToCancel(cancellationToken.IsCancellationRequested))
            {
                Save(SaveCause.Cancelled);
                cancellationToken.ThrowIfCancellationRequested();
                throw new OperationCanceledException("Another process of the run was asked to cancel it.");
            }

            TakeStep(cancellationToken);
        }

        State = State with { StopReason = State.StopReason ?? Completed };
        callbacks.Save(State, SaveCause.Ended);
        Elapsed = _time.GetElapsedTime(began);
        return State.StopReason;
    }

    /// <summary>Gets the result of the run that has ended.</summary>
    /// <param name="best">What validation measured for the weights that the model ends with; <see langword="null"/> for the last
    /// weights.</param>
    public TrainingResult Result(KeptWeights? best) => new()
    {
        Steps = State.Step,
        BestStep = best?.Step ?? State.Step,
        BestValidation = best?.Value ?? double.NaN,
        StopReason = State.StopReason!,
        Elapsed = Elapsed,
        History = History,
    };

    private void TakeStep(CancellationToken cancellationToken)
    {
        long began = _time.GetTimestamp(), number = State.Step + 1;
        var outcome = step.Run(new StepContext(number, _total, plan.LearningRate.At(Scheduled(number)), SeedStream.Mix(plan.Seed, number)));
        var trained = State.Trained + _time.GetElapsedTime(began);
        State = State with { Step = number, Trained = plan.Budget.MaxDuration is null ? trained : callbacks.AgreeOnTime(trained) };
        StepsHere++;
        if (outcome.Divergence is { } what)
        {
            Report(outcome.Metrics);
            throw callbacks.Diverged(number, what);
        }

        string? stop = outcome.StopReason ?? (plan.Budget.IsTimeOver(State.Trained) && number < _total ? TimeOver : null);
        var metrics = outcome.Metrics;
        if (IsValidationDue(stop))
        {
            metrics ??= [];
            Validate(metrics, cancellationToken);
        }

        Report(metrics);
        State = State with { StopReason = stop ?? State.StopReason };
        if (State.StopReason is null && plan.CheckpointEvery > 0 && number % plan.CheckpointEvery == 0)
        {
            Save(SaveCause.Interval);
        }
    }

    // The step whose learning rate is due: later than the step itself where time will end the run first.
    private long Scheduled(long step)
    {
        if (!plan.LearningRateFollowsTime || plan.Budget.MaxDuration is not { } time || State.Trained < time / 10
            || _total == long.MaxValue)
        {
            return step;
        }

        return Math.Clamp((long)Math.Ceiling(_total * (State.Trained / time)), step, _total);
    }

    private bool IsValidationDue(string? stop)
    {
        if (plan.Validation is not { } validation)
        {
            return false;
        }

        long reached = validation.Reached(State.Step, _total, State.Trained, plan.Budget.MaxDuration);
        bool isDue = reached > _validated || stop is not null;
        _validated = reached;
        return isDue;
    }

    private void Validate(Dictionary<string, double> metrics, CancellationToken cancellationToken)
    {
        try
        {
            var outcome = callbacks.Validate(State.Step, metrics, cancellationToken);
            State = State with { ValidationDue = false, SinceBest = outcome.Improved ? 0 : State.SinceBest + 1 };
            if (plan.Validation!.Patience > 0 && State.SinceBest >= plan.Validation.Patience)
            {
                State = State with { StopReason = outcome.StopReason };
            }
        }
        catch (OperationCanceledException)
        {
            State = State with { ValidationDue = true };
            Save(SaveCause.Cancelled);
            throw;
        }
    }

    private void Report(Dictionary<string, double>? metrics)
    {
        if (metrics is null)
        {
            return;
        }

        var report = new TrainingProgress(plan.Stage, State.Step, _total) { Metrics = metrics };
        if (State.Step % plan.HistoryEvery == 0 || State.Step == _total)
        {
            _history.Add(report);
        }

        callbacks.Report(report);
        progress?.Report(report);
    }

    private void Save(SaveCause cause)
    {
        if (State.Step != _saved)
        {
            callbacks.Save(State, cause);
            _saved = State.Step;
        }
    }
}
