using System.Text.Json.Nodes;
using MiniOneRec.Recipes;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Experiments;

/// <summary>What reinforcement adds to a supervised decoder: rewards, rollouts and KL from one start, and what is left of it on another
/// catalogue.</summary>
/// <remarks>Every run is kept as a line in the work folder, and every model as a folder; called again, the study goes on where it
/// was.</remarks>
internal sealed class ReinforcementStudy : IStudy
{
    private static readonly (string Key, IRankingMetric Metric, int Cutoff)[] Keys =
        [("HR@1", new HitRate(), 1), ("HR@10", new HitRate(), 10), ("NDCG@10", new Ndcg(), 10)];

    public string Name => "reinforcement";

    public string Description =>
        "Reinforcement from one supervised start. --work FOLDER (runs and models, kept and reused) "
        + "--sets Industrial_and_Scientific,Office_Products --seeds 1,2 --preset default --device cpu "
        + "--arms default,accuracy,rank,rank+rate=2e-5,semantic,collaborative,sampling,dynamic,kl=0,rate=2e-5,sdpo (parts joined by +) "
        + "--transfer DATASET (default arm and start, asked about another set) "
        + "--starts DIR (models that the study quality left in DIR/quality/SET-SEED/sft, with their item vectors)";

    public async Task RunAsync(StudyContext context)
    {
        string work = context.Option("work", ""), transfer = context.Option("transfer", ""), starts = context.Option("starts", "");
        if (starts.Length > 0 && transfer.Length > 0)
        {
            throw new ArgumentException("--transfer needs the study's own starts: models of --starts read the vectors of one catalogue.");
        }

        work = work.Length > 0 ? work : Directory.CreateTempSubdirectory("minionerec-rl-").FullName;
        var preset = RecipePreset.Named(context.Option("preset", "default"));
        string device = context.Option("device", "cpu");
        var sets = context.Options("sets", "Industrial_and_Scientific", "Office_Products");
        var seeds = context.Options("seeds", 1, 2);
        ReinforcementArm[] arms = [.. context.Options("arms", "default", "accuracy", "rank", "rank+rate=2e-5", "semantic", "collaborative",
            "sampling", "dynamic", "kl=0", "rate=2e-5", "sdpo").Select(ReinforcementArm.Parse)];
        Directory.CreateDirectory(work);
        var lab = new Lab(context, preset, work, device, starts);
        foreach (int seed in seeds)
        {
            foreach (string set in sets)
            {
                await lab.RunAsync(set, seed, "sft", null, set);
                foreach (var arm in arms)
                {
                    await lab.RunAsync(set, seed, arm.Name, arm, set);
                }

                if (transfer.Length > 0 && transfer != set)
                {
                    await lab.RunAsync(set, seed, "sft", null, transfer);
                    await lab.RunAsync(set, seed, "default", ReinforcementArm.Parse("default"), transfer);
                }
            }
        }

        foreach (string set in sets)
        {
            foreach (string on in transfer.Length > 0 && transfer != set ? [set, transfer] : new[] { set })
            {
                foreach (string arm in arms.Select(arm => arm.Name).Prepend("sft"))
                {
                    Report(context, set, on, arm,
                        [.. lab.Runs.Where(run => run.Set == set && run.On == on && run.Arm == "sft" && seeds.Contains(run.Seed))
                        .OrderBy(run => run.Seed)],
                        [.. lab.Runs.Where(run => run.Set == set && run.On == on && run.Arm == arm && seeds.Contains(run.Seed))
                        .OrderBy(run => run.Seed)]);
                }
            }
        }
    }

    // One figure per metric over all seeds, with the interval of its gain over the same seeds' starts.
    private static void Report(StudyContext context, string set, string on, string arm, ReinforcementRun[] starts, ReinforcementRun[] runs)
    {
        starts = [.. starts.Where(start => runs.Any(run => run.Seed == start.Seed))];
        if (runs.Length == 0 || starts.Length != runs.Length)
        {
            return;
        }

        foreach (var (key, metric, cutoff) in Keys)
        {
            var gain = PairedComparison.Create(ReinforcementRun.Pool(starts), ReinforcementRun.Pool(runs), metric, cutoff);
            double Mean(string name) => runs.Select(run => run.Training.GetValueOrDefault(name, double.NaN)).Average();
            context.Report($"{set}{(on == set ? "" : " on " + on)}.{arm}.{key}", gain.Second, "",
                arm == "sft" ? new { runs = runs.Length } : new
            {
                runs = runs.Length, gain = gain.Difference, relative = gain.Difference / gain.First, low = gain.Interval.Low,
                    high = gain.Interval.High,
                validation_gain = Mean("validation") - Mean("validation_before"), best_step = Mean("best_step"), kl = Mean("kl"),
                    seconds = Mean("seconds"),
            });
        }
    }

    /// <summary>Makes runs that are not there yet.</summary>
    private sealed class Lab(StudyContext context, RecipePreset preset, string work, string device, string starts)
    {
        // One grid for all catalogues, so that a model can be asked about another one.
        private static readonly int[] Grid = [256, 256, 256];
        private readonly Dictionary<string, SplitDataset> _data = new(StringComparer.Ordinal);
        private readonly string _file = Path.Combine(work, "runs.jsonl");

        public List<ReinforcementRun> Runs { get; } = ReinforcementRun.Load(Path.Combine(work, "runs.jsonl"));

        public async Task RunAsync(string set, int seed, string name, ReinforcementArm? arm, string on)
        {
            if (Runs.Any(run => run.Is(set, on, seed, name)))
            {
                return;
            }

            var data = await DataAsync(set);
            string start = starts.Length > 0
                ? Path.Combine(starts, "quality", $"{set}-{seed}", "sft")
                : Path.Combine(work, $"{set}-{seed}-sft");
            string folder = Path.Combine(work, $"{set}-{seed}-{name.Replace('*', 'x')}");
            if (starts.Length == 0 && !Directory.Exists(start))
            {
                await SftAsync(data, seed, start);
            }

            var training = Runs.FirstOrDefault(run => run.Is(set, set, seed, name))?.Training ?? new Dictionary<string, double>();
            using var recommender =
                await GenerativeRecommender.LoadAsync(Directory.Exists(folder) ? folder : start, device, context.CancellationToken);
            if (arm is not null && !Directory.Exists(folder))
            {
                var result = await arm.TrainAsync(recommender, data, preset, seed, context, new StepLog(context, $"{set} {seed} {name}"));
                training = Figures(result);
                await recommender.SaveAsync(folder, context.CancellationToken);
            }

            var run = await EvaluateAsync(recommender, await DataAsync(on), set, seed, name, training);
            run.Append(_file);
            Runs.Add(run);
            double Score(IRankingMetric metric, int cutoff) => run.Ranks.Average(rank => metric.Score(rank, cutoff));
            var settings = new JsonObject { ["set"] = set, ["on"] = on, ["arm"] = name, ["seed"] = seed, ["preset"] = preset.Name };
            if (starts.Length > 0)
            {
                settings["startedFrom"] = "the supervised model of the study quality, with item vectors";
            }

            var figures = Keys.ToDictionary(key => key.Key, key => Score(key.Metric, key.Cutoff)).Concat(training).ToDictionary();
            await new RunStore(work).GetAsync(
                "reinforcement", $"{set}-{on}-{name.Replace('*', 'x')}-{seed}", settings,
                () => Task.FromResult(new RunOutcome(figures) { Device = device }),
                context.CancellationToken);
            context.Log($"{set} {seed} {name} on {on}: "
                + string.Join(' ', Keys.Select(key => $"{key.Key} {Score(key.Metric, key.Cutoff):F4}")));
        }

        private async Task<SplitDataset> DataAsync(string set)
        {
            if (!_data.TryGetValue(set, out var data))
            {
                data = await StudyData.LoadAsync(context, set);
                var index = data.Index!;
                _data[set] = data = starts.Length > 0
                    ? data
                    : data with { Index = new SemanticIdIndex(index.Items.Select(item => KeyValuePair.Create(item, index[item])), Grid) };
            }

            return data;
        }

        private async Task SftAsync(SplitDataset data, int seed, string folder)
        {
            var popularity = new PopularityRecommender(data.TrainSequences, data.ItemIds).Counts;
            using var recommender =
                await new GenerativeRecommenderFactory(preset.Modeling(), new MiniOneRecOptions { Seed = seed, Device = device })
                .CreateAsync(data.Index!, popularity, context.CancellationToken);
            var result = await new SftTrainer(preset.Tasks(), preset.Sft(seed))
                .TrainAsync(recommender, data.TrainSequences, data.Validation, new StepLog(context, $"{data.Name} {seed} sft"),
                    context.CancellationToken);
            context.Log($"{data.Name} {seed} sft: {result.Elapsed.TotalSeconds:F0} s");
            await recommender.SaveAsync(folder, context.CancellationToken);
        }

        private async Task<ReinforcementRun> EvaluateAsync(
            GenerativeRecommender recommender, SplitDataset data, string set, int seed, string arm, IReadOnlyDictionary<string,
            double> training)
        {
            if (recommender.Index.Fingerprint != data.Index!.Fingerprint)
            {
                // the same weights, asked about a catalogue that they never saw
                recommender.Swap(data.Index, new Dictionary<string, double>());
            }

            var report = await new RecommendationEvaluator(new EvaluationOptions { Seed = seed, BootstrapSamples = 0 }).EvaluateAsync(
                recommender, data.Test, new EvaluationCatalog(data.ItemIds, data.Index, data.TrainSequences),
                cancellationToken: context.CancellationToken);
            return new ReinforcementRun(set, data.Name, seed, arm, [.. report.Ranks.Select(row => row.UserId)],
                [.. report.Ranks.Select(row => row.ItemRank)], training);
        }

        private static Dictionary<string, double> Figures(TrainingResult result)
        {
            var last = result.History.TakeLast(20).Select(step => step.Metrics).ToArray();
            var figures = new[] { "kl", "entropy", "reward", "group_hit_rate", "zero_advantage" }.ToDictionary(
                key => key, key =>
                last.Select(metrics => metrics.GetValueOrDefault(key, double.NaN)).Where(double.IsFinite).DefaultIfEmpty(0).Average());
            (figures["seconds"], figures["best_step"]) = (result.Elapsed.TotalSeconds, result.BestStep);
            (figures["validation_before"], figures["validation"]) = (result.History[0].Metrics["NDCG@10"], result.BestValidation);
            return figures;
        }
    }

    private sealed class StepLog(StudyContext context, string run) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Metrics.TryGetValue("NDCG@10", out double ndcg))
            {
                double Of(string key) => value.Metrics.GetValueOrDefault(key, double.NaN);
                context.Log(
                    $"{run} step {value.Step}: valid HR@1 {Of("HR@1"):F4} HR@10 {Of("HR@10"):F4} NDCG@10 {ndcg:F4}, "
                    + $"reward {Of("reward"):F4}, hits {Of("group_hit_rate"):F3}, "
                    + $"zero {Of("zero_advantage"):F3}, KL {Of("kl"):F4}, entropy {Of("entropy"):F3}");
            }
        }
    }
}
