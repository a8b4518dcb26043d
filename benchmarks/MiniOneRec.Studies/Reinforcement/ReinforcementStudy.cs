using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;
using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>What reinforcement adds to a supervised decoder: rewards, rollouts and KL from one start, and what is left of it on another catalogue.</summary>
internal sealed class ReinforcementStudy : IStudy
{
    private static readonly string[] Keys = ["HR@1", "HR@10", "NDCG@10"];

    public string Name => "reinforcement";

    public string Description =>
        "Reinforcement from one supervised start. --dataset Industrial_and_Scientific --seeds 1,2 --variants rank,accuracy,semantic,collaborative,sampling,dynamic,no-kl,sdpo --steps 200 "
        + "--rate 2e-5 --epochs 30 --hidden 128 --dropout 0.3 --start FOLDER (saved and reused) --transfer DATASET";

    public async Task RunAsync(StudyContext context)
    {
        string name = context.Option("dataset", "Industrial_and_Scientific"), start = context.Option("start", ""), transfer = context.Option("transfer", "");
        var setup = new Setup(
            context.Option("epochs", 30), context.Option("hidden", 128), context.Option("dropout", 0.3), context.Option("steps", 200), context.Option("rate", 2e-5));
        var variants = context.Options("variants", "rank", "accuracy", "semantic", "collaborative", "sampling", "dynamic", "no-kl", "sdpo");
        var seeds = context.Options("seeds", 1, 2);
        var data = await StudyData.LoadAsync(context, name);
        var other = transfer.Length == 0 ? null : await StudyData.LoadAsync(context, transfer);
        foreach (int seed in seeds)
        {
            string folder = Path.Combine(start.Length == 0 ? Directory.CreateTempSubdirectory("minionerec-rl-").FullName : start, $"{name}-{seed}");
            if (!Directory.Exists(folder))
            {
                await SftAsync(context, setup, data, seed, folder);
            }

            using var sft = await GenerativeRecommender.LoadAsync(folder, cancellationToken: context.CancellationToken);
            var before = await EvaluateAsync(context, sft, data, seed);
            Report(context, "sft", seed, before, null);
            if (other is not null)
            {
                Report(context, "sft transferred", seed, await TransferAsync(context, sft, other, seed), null);
            }

            foreach (string variant in variants)
            {
                using var recommender = await GenerativeRecommender.LoadAsync(folder, cancellationToken: context.CancellationToken);
                var result = await TrainAsync(context, setup, data, recommender, variant, seed);
                Report(context, variant, seed, await EvaluateAsync(context, recommender, data, seed), before, result);
                if (other is not null)
                {
                    Report(context, variant + " transferred", seed, await TransferAsync(context, recommender, other, seed), null);
                }
            }
        }
    }

    private static async Task SftAsync(StudyContext context, Setup setup, SplitDataset data, int seed, string folder)
    {
        // One grid for all catalogues, so that a model can be asked about another one.
        var template = new CompactTemplate([256, 256, 256]);
        var popularity = data.TrainSequences.SelectMany(sequence => sequence.ItemIds).CountBy(item => item).ToDictionary(pair => pair.Key, pair => (double)pair.Value);
        torch.random.manual_seed(seed);
        using var recommender = new GenerativeRecommender(
            new DecoderModel(DecoderConfig.Small(template.VocabularySize, setup.Hidden)), data.Index!, template, popularity: popularity);
        var options = new SftOptions { Epochs = setup.Epochs, Dropout = setup.Dropout, LearningRate = setup.Hidden > 128 ? 1.5e-3 : 2e-3, Seed = seed };
        var result = await new SftTrainer(options).TrainAsync(recommender, data.TrainSequences, data.Validation, cancellationToken: context.CancellationToken);
        context.Report("sft seconds", result.Elapsed.TotalSeconds, "s", new { seed });
        await recommender.SaveAsync(folder, context.CancellationToken);
    }

    private static async Task<TrainingResult> TrainAsync(
        StudyContext context, Setup setup, SplitDataset data, GenerativeRecommender recommender, string variant, int seed)
    {
        var progress = new StepLog(context, variant);
        if (variant is "dpo" or "sdpo")
        {
            var preference = new PreferenceOptions
            {
                Steps = setup.Steps, LearningRate = setup.Rate, Seed = seed, RejectedCount = variant == "dpo" ? 1 : 15, Rejected = RejectedSource.Rollouts,
            };
            return await new PreferenceTrainer(preference).TrainAsync(recommender, data.Train, data.Validation, progress, context.CancellationToken);
        }

        IRewardFunction[] rewards = variant switch
        {
            "accuracy" => [new ExactMatchReward()],
            "semantic" => [await SemanticAsync(context, data)],
            "collaborative" => [new CollaborativeReward(await new SasRecTrainer(shared: new MiniOneRecOptions { Seed = seed })
                .TrainAsync(data.TrainSequences, data.Validation, data.ItemIds, cancellationToken: context.CancellationToken))],
            "shared-prefix" => [new ExactMatchReward(), new RankReward(), new WeightedReward(new SharedPrefixReward(), 0.2)],
            _ => [new ExactMatchReward(), new RankReward()],
        };
        IRolloutSampler sampler = variant switch
        {
            "sampling" => new RandomRolloutSampler(),
            "dynamic" => new DynamicRolloutSampler(),
            "gumbel" => new GumbelRolloutSampler(),
            _ => new BeamRolloutSampler(),
        };
        var options = new GrpoOptions { Steps = setup.Steps, LearningRate = setup.Rate, Seed = seed };
        options.KlWeight = variant == "no-kl" ? 0 : options.KlWeight;
        options.LogProbabilities = variant == "trie" ? LogProbabilitySpace.Trie : options.LogProbabilities;
        return await new GrpoTrainer(rewards, options, sampler).TrainAsync(recommender, data.Train, data.Validation, progress, context.CancellationToken);
    }

    private static async Task<SemanticReward> SemanticAsync(StudyContext context, SplitDataset data)
    {
        var table = await EmbeddingTable.LoadAsync(context.FixturePath($"embeddings/{data.Name}.emb-minilm-td.npy"), cancellationToken: context.CancellationToken);
        return new SemanticReward(data.ItemIds.Select((item, row) => new KeyValuePair<string, ReadOnlyMemory<float>>(item, table[row].ToArray())));
    }

    private static Task<EvaluationReport> EvaluateAsync(StudyContext context, GenerativeRecommender recommender, SplitDataset data, int seed) =>
        new RecommendationEvaluator(new EvaluationOptions { Seed = seed }).EvaluateAsync(
            recommender, data.Test, new EvaluationCatalog(data.ItemIds, data.Index, data.TrainSequences), cancellationToken: context.CancellationToken);

    // The same weights, asked about a catalogue that they never saw.
    private static async Task<EvaluationReport> TransferAsync(StudyContext context, GenerativeRecommender recommender, SplitDataset other, int seed)
    {
        var (index, popularity) = (recommender.Index, recommender.Popularity);
        recommender.Swap(other.Index!, new Dictionary<string, double>());
        try
        {
            return await EvaluateAsync(context, recommender, other, seed);
        }
        finally
        {
            recommender.Swap(index, popularity);
        }
    }

    private static void Report(StudyContext context, string variant, int seed, EvaluationReport report, EvaluationReport? before, TrainingResult? result = null)
    {
        foreach (string key in Keys)
        {
            IRankingMetric metric = key.StartsWith("HR", StringComparison.Ordinal) ? new HitRate() : new Ndcg();
            int cutoff = key.EndsWith("@1", StringComparison.Ordinal) ? 1 : 10;
            var gain = before is null ? null : PairedComparison.Create(before, report, metric, cutoff);
            context.Report($"{variant}.{key}", report[metric.Name, cutoff], "", new { seed, gain = gain?.Difference, low = gain?.Interval.Low, high = gain?.Interval.High });
        }

        if (result is not null)
        {
            var last = result.History.TakeLast(20).Select(step => step.Metrics).ToArray();
            double Mean(string key) => last.Select(metrics => metrics.GetValueOrDefault(key, double.NaN)).Where(double.IsFinite).DefaultIfEmpty(0).Average();
            context.Report($"{variant}.seconds", result.Elapsed.TotalSeconds, "s", new
            {
                seed, best_step = result.BestStep, stop = result.StopReason, kl = Mean("kl"), entropy = Mean("entropy"), reward = Mean("reward"),
                group_hit_rate = Mean("group_hit_rate"), zero_advantage = Mean("zero_advantage"),
            });
        }
    }

    private sealed record Setup(int Epochs, int Hidden, double Dropout, int Steps, double Rate);

    private sealed class StepLog(StudyContext context, string variant) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Metrics.TryGetValue("NDCG@10", out double ndcg))
            {
                double Of(string key) => value.Metrics.GetValueOrDefault(key, double.NaN);
                context.Log(
                    $"{variant} step {value.Step}: valid HR@1 {Of("HR@1"):F4} HR@10 {Of("HR@10"):F4} NDCG@10 {ndcg:F4}, reward {Of("reward"):F4}, hits {Of("group_hit_rate"):F3}, "
                    + $"zero {Of("zero_advantage"):F3}, KL {Of("kl"):F4}, entropy {Of("entropy"):F3}");
            }
        }
    }
}
