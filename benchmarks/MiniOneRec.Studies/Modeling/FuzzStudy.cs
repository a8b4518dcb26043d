using System.Diagnostics;

namespace MiniOneRec.Studies;

/// <summary>Damages every kind of file that arrives from elsewhere and reads it: only documented exceptions, no crash, no memory beyond the
/// file's size.</summary>
internal sealed class FuzzStudy : IStudy
{
    public string Name => "fuzz";

    public string Description =>
        "Damaged files of every kind that is read: models, tokenizers, templates, data sets, indexes, checkpoints. "
        + "--mutations 100000 --seed 1 --targets NAME,NAME";

    public Task RunAsync(StudyContext context)
    {
        int mutations = context.Option("mutations", 100_000), seed = context.Option("seed", 1);
        string only = context.Option("targets", "");
        string fixtures = context.FixturePath(".");
        List<FuzzTarget> targets =
        [
            .. FuzzTargets.Make(fixtures, context.DataPath("Amazon/index/Industrial_and_Scientific.index.json")),
            .. PretrainedFuzzTargets.Make(
                context.FixturePath("tokenizer/tokenizer.json"),
                context.ModelPath("SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf")),
            .. GenerativeFuzzTargets.Make(fixtures),
            .. DataFuzzTargets.Make(),
            .. StageFuzzTargets.Make(),
        ];
        foreach (var target in targets.Where(target => only.Length == 0 || only.Split(',').Contains(target.Name)))
        {
            string folder = Directory.CreateTempSubdirectory("minionerec-fuzz-").FullName;
            try
            {
                FuzzTargets.Prepare(target, fixtures, folder);
                double before = MachineReference.ResidentMegabytes();
                var clock = Stopwatch.StartNew();
                var result = target.Run(folder, mutations, seed, context.CancellationToken);
                foreach (var (problem, (first, times, message)) in result.Undocumented)
                {
                    context.Log($"{target.Name}: {times} times, first in mutation {first}: {problem}: {message}");
                }

                foreach (string above in result.AboveLimits.Take(5))
                {
                    context.Log($"{target.Name}: {above}");
                }

                string name = target.Name.Replace(' ', '_');
                context.Report($"{name}.undocumented", result.Undocumented.Values.Sum(seen => seen.Times), "", new
                {
                    accepted = result.Accepted, refused = result.Refused, seconds = Math.Round(clock.Elapsed.TotalSeconds),
                        slowest_ms = Math.Round(result.Slowest.TotalMilliseconds),
                });
                context.Report($"{name}.above_limits", result.AboveLimits.Count, "",
                    new { limit_mb = FuzzResult.MemoryLimit >> 20, limit_s = FuzzResult.TimeLimit.TotalSeconds });
                context.Report($"{name}.allocated", result.AllocatedPerByte, "x", new
                {
                    largest_kb = result.LargestAllocation / 1024, file_kb = (target.Good.Length + target.Tail) / 1024,
                    resident_growth_mb = Math.Round(MachineReference.ResidentMegabytes() - before),
                });
            }
            finally
            {
                Directory.Delete(folder, recursive: true);
            }
        }

        return Task.CompletedTask;
    }
}
