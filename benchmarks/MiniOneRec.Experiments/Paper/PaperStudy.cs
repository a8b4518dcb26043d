using System.Text.Json.Nodes;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Experiments;

/// <summary>The tables of the paper on the data at hand, each run one file.</summary>
internal sealed class PaperStudy : IStudy
{
    private const string Main = "paper", Pairs = "paper-pairs", Ours = "minionerec";

    private static readonly string[] Parts = ["main", "ablation", "scaling", "data", "transfer", "semantic-ids", "language"];

    public string Name => Main;

    public string Description =>
        "The paper's tables. --work artifacts/paper (runs, kept) --quick (toy size) "
        + $"--part {string.Join(',', Parts)} --sets Industrial_and_Scientific,Office_Products "
        + "--names " + string.Join(',', PaperSettings.AllNames)
        + " --seeds 42,43,44 --preset default --test-rows 0 (all) --users 0 (all) --minutes 0 (of each training; 0 for no limit) "
        + "--language-model FOLDER (else fresh weights) --embeddings FILE.npy ({set} stands for the data set's name; else TF-IDF) "
        + "--device cpu";

    public async Task RunAsync(StudyContext context)
    {
        ArgumentNullException.ThrowIfNull(context);
        var settings = PaperSettings.Read(context);
        var parts = context.Options("part", Parts);
        if (parts.Except(Parts).ToArray() is { Length: > 0 } unknown)
        {
            throw new ArgumentException($"--part holds {string.Join(", ", unknown)}; expected {string.Join(", ", Parts)}.");
        }

        // All data are there and fit all models before any work starts.
        var data = new Dictionary<string, PaperData>();
        string[] targets = !parts.Contains("transfer") ? [] : settings is { Sets: ["demo"] } ? ["demo-2"] : [.. settings.Sets];
        if (targets.Length == 1 && targets[0] == settings.Sets[0])
        {
            context.Log("Transfer needs two data sets; name them with --sets.");
        }

        foreach (string set in settings.Sets.Union(targets))
        {
            data[set] = await PaperData.LoadAsync(context, settings, set);
        }

        await PaperWork.RequireAsync(settings, data, context.CancellationToken);
        var store = new RunStore(settings.Work);
        foreach (string set in settings.Sets)
        {
            foreach (int seed in settings.Seeds)
            {
                foreach (string part in parts)
                {
                    await PartAsync(part, store, data, targets, settings, set, seed, context);
                }
            }
        }

        foreach (var (file, text) in ResultPages.Write(store))
        {
            await AtomicFile.WriteTextAsync(Path.Combine(settings.Work, file), text, context.CancellationToken);
            context.Log($"{Path.Combine(settings.Work, file)} is written.");
        }

        await ResultFigures.WriteAsync(store, context);
    }

    private static async Task PartAsync(
        string part, RunStore store, Dictionary<string, PaperData> data, string[] targets, PaperSettings settings, string set, int seed,
        StudyContext context)
    {
        switch (part)
        {
            case "ablation":
                await AblationPart.RunAsync(store, data[set], settings, set, seed, context);
                break;
            case "scaling":
                await ScalingPart.RunAsync(store, data[set], settings, set, seed, context);
                break;
            case "data":
                await DataPart.RunAsync(store, data[set], settings, set, seed, context);
                break;
            case "transfer":
                foreach (string other in targets.Where(other => other != set))
                {
                    await TransferPart.RunAsync(store, data[set], data[other], settings, seed, context);
                }

                break;
            case "semantic-ids":
                await SemanticIdPart.RunAsync(store, data[set], settings, set, seed, context);
                break;
            case "language":
                await LanguagePart.RunAsync(store, data[set], settings, set, seed, context);
                break;
            default:
                await MainAsync(store, data[set], settings, set, seed, context);
                break;
        }
    }

    private static async Task MainAsync(
        RunStore store, PaperData paper, PaperSettings settings, string set, int seed, StudyContext context)
    {
        foreach (string name in settings.Names)
        {
            string run = $"{set}-{seed}-{name}";
            var about = settings.Describe(set, seed, paper.Fingerprint);
            about["model"] = name;
            var record = await store.GetAsync(
                Main, run, about, () => PaperRun.MakeAsync(name, paper, settings, seed, RanksOf(store, run), context),
                context.CancellationToken);
            foreach (string figure in (string[])["HR@10", "NDCG@10", "training_seconds", "inference_seconds"])
            {
                context.Report($"{run}.{figure}", record.Figures[figure], figure.EndsWith("seconds", StringComparison.Ordinal) ? "s" : "");
            }
        }

        if (settings.Names.Contains(Ours))
        {
            foreach (string name in settings.Names.Where(name => name != Ours))
            {
                await PairAsync(store, settings.Describe(set, seed, paper.Fingerprint), $"{set}-{seed}", name, seed, context);
            }
        }
    }

    // Ours less the rival, on the same test rows, resampled by user.
    private static Task PairAsync(RunStore store, JsonObject about, string prefix, string name, int seed, StudyContext context)
    {
        about["model"] = name;
        return store.GetAsync(Pairs, $"{prefix}-{name}", about, () =>
        {
            var rival = PaperRun.ReadRanks(RanksOf(store, $"{prefix}-{name}"), name);
            var ours = PaperRun.ReadRanks(RanksOf(store, $"{prefix}-{Ours}"), Ours);
            var figures = new Dictionary<string, double>();
            foreach (IRankingMetric metric in (IRankingMetric[])[new HitRate(), new Ndcg()])
            {
                foreach (bool sid in (bool[])[false, true])
                {
                    var pair = PairedComparison.Create(rival, ours, metric, 10, sid, seed: seed);
                    string key = (sid ? "sid." : "") + pair.Metric;
                    figures[key] = pair.Difference;
                    (figures[key + ".low"], figures[key + ".high"]) = (pair.Interval.Low, pair.Interval.High);
                }
            }

            return Task.FromResult(new RunOutcome(figures));
        }, context.CancellationToken);
    }

    private static string RanksOf(RunStore store, string run) => Path.Combine(store.Folder, "ranks", run + ".json");
}
