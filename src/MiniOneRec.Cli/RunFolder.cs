using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;
using MiniOneRec.Recipes;

namespace MiniOneRec.Cli;

/// <summary>The folder of a run: one process at a time, with a log of what happens.</summary>
internal sealed class RunFolder : IRecipeObserver, IDisposable
{
    private readonly FileStream _lock;
    private readonly StreamWriter _log;
    private readonly IRecipeObserver _inner;
    private readonly TimeProvider _time;

    private RunFolder(string path, FileStream held, IRecipeObserver inner, TimeProvider time)
    {
        (Path, _lock, _inner, _time) = (path, held, inner, time);
        _log = new StreamWriter(System.IO.Path.Combine(path, "log.jsonl"), append: true) { AutoFlush = true };
    }

    /// <summary>Gets the folder.</summary>
    public string Path { get; }

    /// <summary>Makes or opens a run folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="inner">Also told about everything.</param>
    /// <param name="time">The clock of the log.</param>
    /// <exception cref="IOException">Another process works in the folder.</exception>
    public static RunFolder Open(string path, IRecipeObserver inner, TimeProvider? time = null)
    {
        string full = System.IO.Path.GetFullPath(path);
        Directory.CreateDirectory(full);
        try
        {
            var held = new FileStream(
                System.IO.Path.Combine(full, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1,
                FileOptions.DeleteOnClose);
            return new RunFolder(full, held, inner, time ?? TimeProvider.System);
        }
        catch (IOException e) when (e is not DirectoryNotFoundException)
        {
            throw new IOException($"Another process works in run folder '{full}'; wait for it, or give another --output.", e);
        }
    }

    public void OnStarted(string stage)
    {
        Log("started", stage, null);
        _inner.OnStarted(stage);
    }

    public void OnProgress(TrainingProgress progress)
    {
        if (progress.Step % 10 == 0 || progress.Step == progress.TotalSteps)
        {
            Log("progress", progress.Stage,
                new JsonObject { ["step"] = progress.Step, ["totalSteps"] = progress.TotalSteps, ["metrics"] = MetricsJson.Of(progress) });
        }

        _inner.OnProgress(progress);
    }

    public void OnFinished(string stage, TimeSpan elapsed)
    {
        Log("finished", stage, new JsonObject { ["seconds"] = elapsed.TotalSeconds });
        _inner.OnFinished(stage, elapsed);
    }

    public void OnMessage(string text)
    {
        Log("message", null, new JsonObject { ["text"] = text });
        _inner.OnMessage(text);
    }

    public void Dispose()
    {
        _log.Dispose();
        _lock.Dispose();
    }

    private void Log(string kind, string? stage, JsonObject? more)
    {
        var line = new JsonObject { ["time"] = _time.GetUtcNow().ToString("O", System.Globalization.CultureInfo.InvariantCulture),
            ["event"] = kind };
        if (stage is not null)
        {
            line["stage"] = stage;
        }

        foreach (var (key, value) in more ?? [])
        {
            line[key] = value?.DeepClone();
        }

        _log.WriteLine(line.ToJsonString());
    }
}
