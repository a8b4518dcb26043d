using BenchmarkDotNet.Columns;
using BenchmarkDotNet.Configs;
using BenchmarkDotNet.Diagnosers;
using BenchmarkDotNet.Jobs;
using BenchmarkDotNet.Running;
using BenchmarkDotNet.Toolchains.InProcess.Emit;
using MiniOneRec;
using MiniOneRec.Benchmarks;
using Perfolizer.Horology;

// One process for all: the native backend is half a gigabyte and takes its time to load.
NativeTuning.Apply();
bool records = args is ["record", ..];
var job = Job.Default.WithToolchain(InProcessEmitToolchain.Instance).WithWarmupCount(2).WithIterationCount(records ? 5 : 9);
var config = DefaultConfig.Instance
    .AddJob(records ? job.WithIterationTime(TimeInterval.FromMilliseconds(100)) : job)
    .AddDiagnoser(MemoryDiagnoser.Default)
    .AddColumn(StatisticColumn.Median)
    .WithOptions(ConfigOptions.DisableLogFile).WithArtifactsPath(Path.Combine("artifacts", "benchmarks"));
var switcher = BenchmarkSwitcher.FromAssembly(typeof(Program).Assembly);
if (!records)
{
    switcher.Run(args, config);
    return 0;
}

// record [classes]: runs them, or all, and keeps the medians in benchmarks/results/<processor>.
string[] names = args.Length > 1 ? args[1..] : ["*"];
return RecordedResults.Write(Path.Combine("benchmarks", "results"), switcher.Run(["--filter", .. names], config));
