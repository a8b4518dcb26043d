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
            var loaded = await GenerativeRecommender.LoadAsync(folder, BaselineScorers.Loaders, settings.Device, cancellationToken: cancellationToken);
            loaded.Prior = null;                                    // chosen anew below
            if (loaded.Index.Fingerprint != index.Fingerprint)
            {
                throw new InvalidDataException($"Model folder '{folder}' was trained with another index than the one of '{data.Name}'.");
            }

            if (settings.GrpoModel is null)
            {
                await HistoryPenaltyAsync(loaded, "sft", data, board, cancellationToken);
                await board.AddAsync(loaded, "minionerec-sft", 0, cancellationToken);
            }

            return loaded;
        }

        var recommender = await new GenerativeRecommenderFactory(_preset.Modeling(Preset.NobodyComesBack(data.TrainSequences)), _shared).CreateAsync(index, popularity, cancellationToken);
        var trainer = new SftTrainer(_preset.Tasks(), _preset.Sft(settings.Seed));
        var result = await _stages.RunAsync("sft", progress =>
            trainer.TrainAsync(recommender, data.TrainSequences, data.Validation, progress, cancellationToken));
        board.AddHistory("sft", result);
        await HistoryPenaltyAsync(recommender, "sft", data, board, cancellationToken);
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
            await HistoryPenaltyAsync(recommender, "grpo", data, board, cancellationToken);
            await SaveAndVerifyAsync(recommender, "grpo", data, cancellationToken);
        }

        await board.AddAsync(recommender, "minionerec-grpo", _stages.Seconds.GetValueOrDefault("grpo"), cancellationToken);
    }

    /// <summary>Mixes the sequential rules into decoding, with the share that serves the validation rows best, and saves the model with them.</summary>
    private async Task PriorAsync(
        GenerativeRecommender recommender, IItemScorer rules, SplitDataset data, Leaderboard board, CancellationToken cancellationToken)
    {
        recommender.Prior = rules;
        await ChooseAsync("prior", [0, 0.05, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.65, 0.8], weight => recommender.PriorWeight = weight, recommender, data, board, cancellationToken);
        await SaveAndVerifyAsync(recommender, "prior", data, cancellationToken);
        await board.AddAsync(recommender, "minionerec-prior", _stages.Seconds["prior"], cancellationToken);
    }

    /// <summary>Chooses what an item of the history loses: users come back less often as time passes, and a model knows only how often they did in training.</summary>
    private async Task HistoryPenaltyAsync(GenerativeRecommender recommender, string model, SplitDataset data, Leaderboard board, CancellationToken cancellationToken)
    {
        if (!recommender.Options.ExcludeHistory)
        {
            await ChooseAsync($"{model} history penalty", [0, 0.25, 0.5, 0.75, 1, 1.5], penalty => recommender.HistoryPenalty = penalty, recommender, data, board, cancellationToken);
        }
    }

    /// <summary>Sets the value that serves the validation rows best.</summary>
    /// <remarks>What helps the first places may harm the last ones: hit rate and NDCG choose together.</remarks>
    private async Task ChooseAsync(
        string stage, double[] values, Action<double> set, GenerativeRecommender recommender, SplitDataset data, Leaderboard board, CancellationToken cancellationToken)
    {
        var evaluator = new RecommendationEvaluator(new EvaluationOptions
        {
            Cutoffs = [10],
            MaxExamples = 5_000,
            BootstrapSamples = 0,
            Seed = settings.Seed,
        });
        var tried = new List<(double Value, double HitRate, double Ndcg)>();
        (double Value, double HitRate, double Ndcg) Best() => tried.MaxBy(entry => entry.HitRate * entry.Ndcg);
        var best = await _stages.RunAsync(stage, async progress =>
        {
            foreach (double value in values)
            {
                set(value);
                var report = await evaluator.EvaluateAsync(recommender, data.Validation, cancellationToken: cancellationToken);
                tried.Add((value, report.Item["HR", 10], report.Item["NDCG", 10]));
                var leader = Best();
                progress.Report(new TrainingProgress(stage, tried.Count, values.Length)
                {
                    Metrics = new Dictionary<string, double> { ["value"] = leader.Value, ["HR@10"] = leader.HitRate, ["NDCG@10"] = leader.Ndcg },
                });
            }

            return Best();
        });
        set(best.Value);
        board.AddChoice(stage, best.Value, tried);
    }

    /// <summary>Saves the model, loads it back, and holds the copy to identical answers.</summary>
    private async Task SaveAndVerifyAsync(GenerativeRecommender recommender, string name, SplitDataset data, CancellationToken cancellationToken)
    {
        string folder = Path.Combine(settings.Output, name);
        await recommender.SaveAsync(folder, cancellationToken);
        using var loaded = await GenerativeRecommender.LoadAsync(folder, BaselineScorers.Loaders, settings.Device, cancellationToken: cancellationToken);
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
