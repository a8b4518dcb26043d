using System.Diagnostics;

namespace MiniOneRec.Measuring;

/// <summary>What the processors of this process worked, which other programs on the machine disturb less than the clock; threads that wait
/// do not count.</summary>
public static class ProcessorTime
{
    /// <summary>Gets the time so far, of all threads.</summary>
    public static TimeSpan Now
    {
        get
        {
            using var process = Process.GetCurrentProcess();
            return process.TotalProcessorTime;
        }
    }

    /// <summary>Measures one run.</summary>
    /// <param name="work">The work.</param>
    public static TimeSpan Once(Action work)
    {
        var before = Now;
        work();
        return Now - before;
    }
}
