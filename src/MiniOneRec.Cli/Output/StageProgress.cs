using System.Diagnostics;
using MiniOneRec.Recipes;

namespace MiniOneRec.Cli.Output;

/// <summary>Tells an observer about work that reports its stages itself.</summary>
internal sealed class StageProgress(IRecipeObserver observer) : IProgress<TrainingProgress>
{
    private string? _stage;
    private long _began;

    public void Report(TrainingProgress value)
    {
        if (_stage != value.Stage)
        {
            (_stage, _began) = (value.Stage, Stopwatch.GetTimestamp());
            observer.OnStarted(value.Stage);
        }

        observer.OnProgress(value);
        if (value.Step == value.TotalSteps)
        {
            observer.OnFinished(value.Stage, Stopwatch.GetElapsedTime(_began));
            _stage = null;
        }
    }
}
