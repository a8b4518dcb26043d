using System.Globalization;
using MiniOneRec;

namespace Quickstart;

/// <summary>Text on the console: headings, lines, and progress that moves on a terminal and steps by quarters elsewhere.</summary>
internal sealed class Screen
{
    public void Heading(string text) => Console.WriteLine($"\n{text}");

    public void Line(string text) => Console.WriteLine(text);

    public void Lines(IEnumerable<string> lines)
    {
        foreach (string line in lines)
        {
            Console.WriteLine($"  {line}");
        }
    }

    /// <summary>Runs a stage and shows where it stands.</summary>
    public async Task<T> RunAsync<T>(string name, Func<IProgress<TrainingProgress>, Task<T>> stage)
    {
        Console.WriteLine();
        var report = new Report(name);
        var result = await stage(report);
        report.Finish();
        return result;
    }

    private sealed class Report(string name) : IProgress<TrainingProgress>
    {
        private static readonly string[] Shown = ["loss", "NDCG@10", "HR@10", "reward", "group_hit_rate", "kl"];

        private readonly System.Diagnostics.Stopwatch _clock = System.Diagnostics.Stopwatch.StartNew();
        private readonly Lock _gate = new();
        private readonly Dictionary<string, double> _metrics = [];
        private double _shown = -1;

        void IProgress<TrainingProgress>.Report(TrainingProgress value)
        {
            lock (_gate)
            {
                foreach (var (metric, figure) in value.Metrics)
                {
                    _metrics[metric] = figure;
                }

                if (value.Fraction >= _shown + (Console.IsOutputRedirected ? 0.25 : 0.01) || value.Fraction < _shown)
                {
                    _shown = value.Fraction;
                    Write(value.Stage, value.Fraction);
                }
            }
        }

        public void Finish()
        {
            lock (_gate)
            {
                Console.Write(Console.IsOutputRedirected ? "" : $"\r{new string(' ', 100)}\r");
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {_clock.Elapsed.TotalSeconds:F1} s{Figures()}"));
            }
        }

        private void Write(string stage, double fraction)
        {
            string bar = new string('█', (int)(fraction * 30)).PadRight(30, '░');
            string line = string.Create(CultureInfo.InvariantCulture, $"{stage,-12} {bar} {fraction,4:P0}{Figures()}");
            Console.Write(Console.IsOutputRedirected ? $"{line}\n" : $"\r{line.PadRight(100)[..100]}");
        }

        private string Figures() => string.Concat(_metrics.Where(metric => double.IsFinite(metric.Value) && Shown.Contains(metric.Key))
            .Select(metric => string.Create(CultureInfo.InvariantCulture, $"  {metric.Key} {metric.Value:0.####}")));
    }
}
