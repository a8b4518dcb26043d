using System.Diagnostics;
using System.Globalization;
using MiniOneRec;
using Spectre.Console;

namespace AmazonReviews;

/// <summary>Runs stages under a progress bar and remembers how long each took.</summary>
internal sealed class Stages
{
    private static readonly string[] Shown = ["loss", "ndcg@10", "NDCG@10", "HR@10", "reward", "group_hit_rate", "kl", "value"];

    private readonly Dictionary<string, double> _seconds = [];

    /// <summary>Gets the seconds by stage, in order.</summary>
    public IReadOnlyDictionary<string, double> Seconds => _seconds;

    /// <summary>Runs one stage.</summary>
    public async Task<T> RunAsync<T>(string name, Func<IProgress<TrainingProgress>, Task<T>> stage)
    {
        var watch = Stopwatch.StartNew();
        string last = "";
        var result = await AnsiConsole.Progress()
            .AutoClear(true)
            .Columns(new TaskDescriptionColumn { Alignment = Justify.Left }, new ProgressBarColumn(), new PercentageColumn(), new RemainingTimeColumn())
            .StartAsync(async context =>
            {
                var bar = context.AddTask(name, maxValue: 1);
                return await stage(new Report(progress =>
                {
                    bar.Value = progress.Fraction;
                    last = string.Join("  ", progress.Metrics.Where(metric => Shown.Contains(metric.Key)).Select(metric => string.Create(CultureInfo.InvariantCulture, $"{metric.Key} {metric.Value:0.####}")));
                    bar.Description = Markup.Escape($"{name} {last}".Trim());
                }));
            });

        _seconds[name] = watch.Elapsed.TotalSeconds;
        AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{name}: {watch.Elapsed.TotalSeconds:F1} s {last}").TrimEnd());
        return result;
    }

    /// <summary>Runs something short and measures it.</summary>
    public static (T Result, double Seconds) Timed<T>(Func<T> work)
    {
        var watch = Stopwatch.StartNew();
        var result = work();
        return (result, watch.Elapsed.TotalSeconds);
    }

    // Progress<T> posts to the thread pool and may arrive late; a bar wants the value now.
    private sealed class Report(Action<TrainingProgress> show) : IProgress<TrainingProgress>
    {
        void IProgress<TrainingProgress>.Report(TrainingProgress value) => show(value);
    }
}
