using System.Diagnostics;
using System.Globalization;
using DuckDB.NET.Data;
using MiniOneRec.Datasets;
using MiniOneRec.Datasets.DuckDb;

namespace MiniOneRec.Studies;

/// <summary>How long a log takes to become ordered, divided sequences, and how much memory, beside the readers that hold all of
/// it.</summary>
internal sealed class IngestStudy : IStudy
{
    public string Name => "ingest";

    public string Description =>
        "A synthetic Parquet log to a 5-core, ordered and divided, with DuckDB. --rows 1000000 (100 million: 2 million users, "
        + "500,000 items), --split LeaveOneOut|Time, "
        + "--memory-limit 4GB --threads 2 --work FOLDER --in-memory true (the readers in memory beside it; "
        + "needs about 1 GB per million rows)";

    public async Task RunAsync(StudyContext context)
    {
        long rows = context.Option("rows", 1_000_000L);
        ArgumentOutOfRangeException.ThrowIfLessThan(rows, 10_000, "--rows");
        string split = context.Option("split", nameof(PreparationSplit.LeaveOneOut)), limit = context.Option("memory-limit", "4GB");
        int threads = context.Option("threads", 2);
        bool inMemory = context.Option("in-memory", rows <= 1_000_000);
        string parent = context.Option("work", Path.GetTempPath());
        string folder = Directory.CreateDirectory(Path.Combine(parent, "minionerec-ingest-" + Guid.NewGuid().ToString("N"))).FullName;
        try
        {
            string label = rows % 1_000_000 == 0 ? $"rows{rows / 1_000_000}m" : $"rows{rows / 1_000}k";
            string log = Path.Combine(folder, "log.parquet");
            long start = Stopwatch.GetTimestamp();
            Write(log, rows, threads, limit, folder, "(FORMAT parquet)", "user_id, item_id, timestamp");
            context.Log(
                $"{rows} rows written in {Stopwatch.GetElapsedTime(start).TotalSeconds:F1} s, {new FileInfo(log).Length / 1e6:F0} MB");

            var options = new PreparationOptions { Split = Enum.Parse<PreparationSplit>(split, ignoreCase: true) };
            var source = new DuckDbInteractionSource(
                new DuckDbSourceOptions { Inputs = [log], MemoryLimit = limit, Threads = threads, TempDirectory = folder });
            ResetPeak();
            start = Stopwatch.GetTimestamp();
            var report = await source.SaveAsync(Path.Combine(folder, "prepared"), options, new StepLog(context), context.CancellationToken);
            context.Report($"{label}.seconds", Stopwatch.GetElapsedTime(start).TotalSeconds, "s",
                new { report.Users, report.Items, report.Interactions });
            context.Report($"{label}.rss_gb", MachineReference.PeakResidentMegabytes() / 1000, "GB");
            context.Report($"{label}.parquet_mb", Directory.EnumerateFiles(folder, "*.parquet", SearchOption.AllDirectories)
                .Where(file => file != log).Sum(file => new FileInfo(file).Length) / 1e6, "MB");

            start = Stopwatch.GetTimestamp();
            var prepared = await PreparedDataset.LoadAsync(Path.Combine(folder, "prepared"), cancellationToken: context.CancellationToken);
            long streamed = await prepared.ReadTrainSequencesAsync(context.CancellationToken)
                .Select(sequence => (long)sequence.ItemIds.Count).SumAsync(context.CancellationToken);
            context.Report($"{label}.stream_seconds", Stopwatch.GetElapsedTime(start).TotalSeconds, "s", new { streamed });
            if (inMemory)
            {
                await InMemoryAsync(context, label, rows, threads, limit, folder, options, report);
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static async Task InMemoryAsync(
        StudyContext context, string label, long rows, int threads, string limit, string folder, PreparationOptions options,
        PreparationReport report)
    {
        string log = Path.Combine(folder, "log.inter");
        Write(log, rows, threads, limit, folder, "(FORMAT csv, HEADER, DELIMITER '\t')",
            "user_id AS \"user_id:token\", item_id AS \"item_id:token\", timestamp AS \"timestamp:float\"");
        GC.Collect();
        ResetPeak();
        long start = Stopwatch.GetTimestamp();
        var data = new KCoreFilter(options.MinPerUser, options.MinPerItem)
            .Apply(await InteractionDataset.LoadAsync(log, cancellationToken: context.CancellationToken));
        var split = options.Split == PreparationSplit.Time ? new GlobalTimeSplit().Split(data) : new LeaveOneOutSplit().Split(data);
        context.Report($"{label}.in_memory_seconds", Stopwatch.GetElapsedTime(start).TotalSeconds, "s");
        context.Report($"{label}.in_memory_rss_gb", MachineReference.PeakResidentMegabytes() / 1000, "GB");
        if (split.Items.Count != report.Items || split.Test.Count != report.TestRows)
        {
            throw new InvalidDataException(
                $"The ways differ: {split.Items.Count} and {report.Items} items, {split.Test.Count} and {report.TestRows} test rows.");
        }
    }

    /// <summary>Writes the log: users and items by Zipf–Mandelbrot laws, so that the 5-core removes the rare ones of both; times over about
    /// three years. The same for the same count.</summary>
    private static void Write(string path, long rows, int threads, string limit, string folder, string format, string columns)
    {
        using var connection = new DuckDBConnection("DataSource=:memory:");
        connection.Open();
        using var command = connection.CreateCommand();
        command.CommandText = string.Create(CultureInfo.InvariantCulture, $"""
            SET threads = {threads};
            SET memory_limit = '{limit}';
            SET temp_directory = '{folder}/spill';
            COPY (
              SELECT {columns} FROM (
                SELECT {Rank("hash(i)", Math.Max(1, rows / 50), 1.5, 100)} AS user_id,
                  {Rank($"hash(i + {rows})", Math.Max(1, rows / 200), 1.2, 30_000)} AS item_id,
                  CAST(1500000000 + hash(i + 2 * {rows}) % 100000000 AS BIGINT) AS timestamp
                FROM range({rows}) AS t(i)
              ) AS log
            ) TO '{path}' {format};
            """);
        command.ExecuteNonQuery();
    }

    /// <summary>A rank k below n with a density of (1 + k·spread/n)^-exponent, by inversion.</summary>
    private static string Rank(string hash, long n, double exponent, double spread) => string.Create(CultureInfo.InvariantCulture,
        $"CAST(floor({n / spread:R} * (pow(1 - {hash} / 18446744073709551616.0 "
        + $"* {1 - Math.Pow(1 + spread, 1 - exponent):R}, {1 / (1 - exponent):R}) - 1)) AS BIGINT)");

    // Linux sets the highest resident memory back to the present one.
    private static void ResetPeak()
    {
        if (OperatingSystem.IsLinux())
        {
            File.WriteAllText("/proc/self/clear_refs", "5");
        }
    }

    private sealed class StepLog(StudyContext context) : IPreparationObserver
    {
        private long _start = Stopwatch.GetTimestamp();

        public void OnMessage(string text) => context.Log(text);

        public void OnFinished(PreparationStep step)
        {
            context.Log(
                $"{step.Name}: {step.Before} -> {step.After}, {Stopwatch.GetElapsedTime(_start).TotalSeconds:F1} s, "
                + $"resident {MachineReference.ResidentMegabytes():F0} MB");
            _start = Stopwatch.GetTimestamp();
        }
    }
}
