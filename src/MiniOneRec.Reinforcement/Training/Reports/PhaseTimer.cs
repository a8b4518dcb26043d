using System.Diagnostics;

namespace MiniOneRec.Reinforcement;

/// <summary>Adds up the time of a step by phase.</summary>
internal sealed class PhaseTimer
{
    private readonly Dictionary<string, double> _seconds = new(StringComparer.Ordinal);
    private readonly long _start = Stopwatch.GetTimestamp();

    public double Total => Stopwatch.GetElapsedTime(_start).TotalSeconds;

    public T Time<T>(string phase, Func<T> work)
    {
        long start = Stopwatch.GetTimestamp();
        try
        {
            return work();
        }
        finally
        {
            _seconds[phase] = _seconds.GetValueOrDefault(phase) + Stopwatch.GetElapsedTime(start).TotalSeconds;
        }
    }

    public void Time(string phase, Action work) => Time(phase, () =>
    {
        work();
        return true;
    });

    public void WriteTo(Dictionary<string, double> metrics)
    {
        foreach (var (phase, seconds) in _seconds)
        {
            metrics["seconds/" + phase] = seconds;
        }
    }
}
