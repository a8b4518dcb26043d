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
    private readonly bool _isNew;

    private RunFolder(string path, bool isNew, FileStream held, StreamWriter log, IRecipeObserver inner, TimeProvider time) =>
        (Path, _isNew, _lock, _log, _inner, _time) = (path, isNew, held, log, inner, time);

    /// <summary>Gets the folder.</summary>
    public string Path { get; }

    /// <summary>Makes or opens a run folder.</summary>
    /// <param name="path">The folder.</param>
    /// <param name="inner">Also told about everything.</param>
    /// <param name="time">The clock of the log.</param>
    /// <exception cref="IOException">Another process works in the folder, or it cannot be written; the message says which.</exception>
    public static RunFolder Open(string path, IRecipeObserver inner, TimeProvider? time = null)
    {
        string full = System.IO.Path.GetFullPath(path);
        bool isNew = !Directory.Exists(full);
        FileStream? held = null;
        try
        {
            Directory.CreateDirectory(full);
            held = new FileStream(
                System.IO.Path.Combine(full, ".lock"), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.None, 1,
                FileOptions.DeleteOnClose);
            var log = new StreamWriter(System.IO.Path.Combine(full, "log.jsonl"), append: true) { AutoFlush = true };
            return new RunFolder(full, isNew, held, log, inner, time ?? TimeProvider.System);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            held?.Dispose();
            throw new IOException(held is null && IsHeld(e)
                ? $"Another process works in run folder '{full}'; wait for it, or give another --output."
                : $"Run folder '{full}' cannot be written ({e.Message}); give another --output.", e);
        }
    }

    /// <summary>Deletes the folder where this run made it and nothing but the log was written.</summary>
    public void Discard()
    {
        Dispose();
        string log = System.IO.Path.Combine(Path, "log.jsonl");
        if (_isNew && Directory.EnumerateFileSystemEntries(Path).All(entry => entry == log))
        {
            Directory.Delete(Path, recursive: true);
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

    // What Windows, Linux and macOS say of a file that another process has locked.
    private static bool IsHeld(Exception e) => e is IOException { HResult: unchecked((int)0x80070020) or 11 or 35 };

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
