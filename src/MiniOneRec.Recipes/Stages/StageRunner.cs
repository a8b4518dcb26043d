using System.Diagnostics;

namespace MiniOneRec.Recipes;

/// <summary>Runs stages, tells the observer, and records how long each took.</summary>
/// <param name="observer">Told of stages, or <see langword="null"/>.</param>
/// <param name="seconds">Receives the seconds by stage; holds those of earlier runs.</param>
internal sealed class StageRunner(IRecipeObserver? observer, Dictionary<string, double> seconds)
{
    /// <summary>Gets the seconds by stage, in order.</summary>
    public IReadOnlyDictionary<string, double> Seconds => seconds;

    /// <summary>Runs one stage.</summary>
    /// <param name="name">The stage.</param>
    /// <param name="stage">Does the work.</param>
    /// <param name="continues">Whether the stage goes on where an earlier run ended, whose time then counts.</param>
    public async Task<T> RunAsync<T>(string name, Func<IProgress<TrainingProgress>, Task<T>> stage, bool continues = false)
    {
        var watch = Stopwatch.StartNew();
        double before = continues ? seconds.GetValueOrDefault(name) : 0;
        observer?.OnStarted(name);
        try
        {
            var result = await stage(new Relay(observer, name)).ConfigureAwait(false);
            observer?.OnFinished(name, watch.Elapsed);
            return result;
        }
        finally
        {
            seconds[name] = before + watch.Elapsed.TotalSeconds;
        }
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
