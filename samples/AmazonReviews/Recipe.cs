using System.Globalization;
using MiniOneRec;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using Spectre.Console;

namespace AmazonReviews;

/// <summary>The whole way of the data: index, baselines, supervised training, GRPO, prior, report.</summary>
internal sealed class Recipe(Settings settings)
{
    private readonly Preset _preset = Preset.Named(settings.Preset);
    private readonly Stages _stages = new();
    private readonly MiniOneRecOptions _shared = new() { Device = settings.Device, Seed = settings.Seed };

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var data = await DataStage.LoadAsync(settings, cancellationToken);
        AnsiConsole.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"{data.Name}, split {data.Split}: {data.Items.Count:N0} items, {data.TrainSequences.Count:N0} training sequences with {data.TrainSequences.Sum(s => s.ItemIds.Count):N0} interactions, {data.Validation.Count:N0} validation and {data.Test.Count:N0} test rows."));

        var index = await new IndexStage(settings, _stages).RunAsync(data, cancellationToken);
        var board = new Leaderboard(settings, data, index, _stages);

        var popularity = new PopularityRecommender(data.TrainSequences, index.Items);
        var rules = await BaselinesAsync(data, index, popularity, board, cancellationToken);

        using var recommender = await SftAsync(data, index, popularity.Counts, board, cancellationToken);
        if (!settings.SkipRl)
        {
            await GrpoAsync(recommender, rules, data, board, cancellationToken);
        }

        await PriorAsync(recommender, rules, data, board, cancellationToken);
        await board.SaveAsync(cancellationToken);
    }

    private async Task<SequentialRulesRecommender> BaselinesAsync(
        SplitDataset data, SemanticIdIndex index, PopularityRecommender popularity, Leaderboard board, CancellationToken cancellationToken)
    {
        bool Wanted(string name) => settings.Baselines.Contains(name);
        var (rules, rulesSeconds) = Stages.Timed(() => new SequentialRulesRecommender(data.TrainSequences, index.Items));
        if (Wanted("popularity"))
        {
            await board.AddAsync(popularity, 0, 0, cancellationToken);
        }

        if (Wanted("sequential-rules"))
        {
            await board.AddAsync(rules, 0, rulesSeconds, cancellationToken);
        }

        if (Wanted("item-knn"))
        {
            var (knn, seconds) = Stages.Timed(() => new ItemKnnRecommender(data.TrainSequences, index.Items));
            await board.AddAsync(knn, 0, seconds, cancellationToken);
        }

        if (Wanted("sasrec"))
        {
            using var sasRec = await _stages.RunAsync("sasrec", progress =>
                new SasRecTrainer(_preset.SasRec(), _shared).TrainAsync(data.TrainSequences, data.Validation, index.Items, progress, cancellationToken));
            await board.AddAsync(sasRec, sasRec.ParameterCount, _stages.Seconds["sasrec"], cancellationToken);
        }

        return rules;
    }

    private async Task<GenerativeRecommender> SftAsync(
        SplitDataset data, SemanticIdIndex index, IReadOnlyDictionary<string, double> popularity, Leaderboard board, CancellationToken cancellationToken)
    {
        if ((settings.GrpoModel ?? settings.SftModel) is { } folder)
        {
            var loaded = await GenerativeRecommender.LoadAsync(folder, settings.Device, cancellationToken);
            if (loaded.Index.Fingerprint != index.Fingerprint)
            {
                throw new InvalidDataException($"Model folder '{folder}' was trained with another index than the one of '{data.Name}'.");
            }

            if (settings.GrpoModel is null)
            {
                await board.AddAsync(loaded, "minionerec-sft", 0, cancellationToken);
            }

            return loaded;
        }

        var recommender = await new GenerativeRecommenderFactory(_preset.Modeling(Preset.NobodyComesBack(data.TrainSequences)), _shared).CreateAsync(index, popularity, cancellationToken);
        var trainer = new SftTrainer(_preset.Tasks(), _preset.Sft(settings.Seed));
        var result = await _stages.RunAsync("sft", progress =>
            trainer.TrainAsync(recommender, data.TrainSequences, data.Validation, progress, cancellationToken));
        board.AddHistory("sft", result);
        await SaveAndVerifyAsync(recommender, "sft", data, cancellationToken);
        await board.AddAsync(recommender, "minionerec-sft", _stages.Seconds["sft"], cancellationToken);
        return recommender;
    }

    private async Task GrpoAsync(
        GenerativeRecommender recommender, IItemScorer rules, SplitDataset data, Leaderboard board, CancellationToken cancellationToken)
    {
        if (settings.GrpoModel is null)
        {
            var trainer = new GrpoTrainer(_preset.Rewards(rules), _preset.Grpo(settings.Seed));
            var result = await _stages.RunAsync("grpo", progress =>
                trainer.TrainAsync(recommender, data.Train, data.Validation, progress, cancellationToken));
            board.AddHistory("grpo", result);
            await SaveAndVerifyAsync(recommender, "grpo", data, cancellationToken);
        }

        await board.AddAsync(recommender, "minionerec-grpo", _stages.Seconds.GetValueOrDefault("grpo"), cancellationToken);
    }

    /// <summary>Mixes the sequential rules into decoding, with the share that serves the validation rows best.</summary>
    /// <remarks>The more weight the rules have, the better the first places and the worse the last ones: hit rate and NDCG choose together.</remarks>
    private async Task PriorAsync(
        GenerativeRecommender recommender, IItemScorer rules, SplitDataset data, Leaderboard board, CancellationToken cancellationToken)
    {
        recommender.Prior = rules;
        var evaluator = new RecommendationEvaluator(new EvaluationOptions
        {
            Cutoffs = [10],
            MaxExamples = 5_000,
            BootstrapSamples = 0,
            Seed = settings.Seed,
        });
        double[] weights = [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8];
        var tried = new List<(double Weight, double HitRate, double Ndcg)>();
        (double Weight, double HitRate, double Ndcg) Best() => tried.MaxBy(entry => entry.HitRate * entry.Ndcg);
        var best = await _stages.RunAsync("prior", async progress =>
        {
            foreach (double weight in weights)
            {
                recommender.PriorWeight = weight;
                var report = await evaluator.EvaluateAsync(recommender, data.Validation, cancellationToken: cancellationToken);
                tried.Add((weight, report.Item["HR", 10], report.Item["NDCG", 10]));
                var leader = Best();
                progress.Report(new TrainingProgress("prior", tried.Count, weights.Length)
                {
                    Metrics = new Dictionary<string, double> { ["weight"] = leader.Weight, ["HR@10"] = leader.HitRate, ["NDCG@10"] = leader.Ndcg },
                });
            }

            return Best();
        });
        recommender.PriorWeight = best.Weight;
        board.AddPrior(best.Weight, tried);
        await board.AddAsync(recommender, "minionerec-prior", _stages.Seconds["prior"], cancellationToken);
    }

    /// <summary>Saves the model, loads it back, and holds the copy to identical answers.</summary>
    private async Task SaveAndVerifyAsync(GenerativeRecommender recommender, string name, SplitDataset data, CancellationToken cancellationToken)
    {
        string folder = Path.Combine(settings.Output, name);
        await recommender.SaveAsync(folder, cancellationToken);
        using var loaded = await GenerativeRecommender.LoadAsync(folder, settings.Device, cancellationToken);
        RecommendationRequest[] requests = [.. data.Test.Take(32).Select(row => new RecommendationRequest { History = row.History })];
        var before = await recommender.RecommendAsync(requests, cancellationToken);
        var after = await loaded.RecommendAsync(requests, cancellationToken);
        bool same = before.Zip(after).All(pair => pair.First.Items.SequenceEqual(pair.Second.Items));
        if (!same)
        {
            throw new InvalidDataException($"The model in '{folder}' answers differently after loading.");
        }

        AnsiConsole.WriteLine($"{name}: saved in {folder}; loaded back, it gives identical results.");
    }
}
