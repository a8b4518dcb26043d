using System.Diagnostics;

namespace MiniOneRec.Recipes;

/// <summary>Runs stages, tells the observer, and records how long each took.</summary>
internal sealed class StageRunner(IRecipeObserver? observer)
{
    private readonly Dictionary<string, double> _seconds = [];

    /// <summary>Gets the seconds by stage, in order.</summary>
    public IReadOnlyDictionary<string, double> Seconds => _seconds;

    /// <summary>Runs one stage.</summary>
    public async Task<T> RunAsync<T>(string name, Func<IProgress<TrainingProgress>, Task<T>> stage)
    {
        var watch = Stopwatch.StartNew();
        observer?.OnStarted(name);
        var result = await stage(new Relay(observer, name)).ConfigureAwait(false);
        _seconds[name] = watch.Elapsed.TotalSeconds;
        observer?.OnFinished(name, watch.Elapsed);
        return result;
    }

    /// <summary>Sends the observer a message.</summary>
    public void Say(string text) => observer?.OnMessage(text);

    /// <summary>Runs something short and measures it.</summary>
    public static (T Result, double Seconds) Timed<T>(Func<T> work)
    {
        var watch = Stopwatch.StartNew();
        var result = work();
        return (result, watch.Elapsed.TotalSeconds);
    }

    // Progress<T> posts to the thread pool and may arrive late; an observer is told at once.
    private sealed class Relay(IRecipeObserver? observer, string stage) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => observer?.OnProgress(value with { Stage = stage });
    }
}
