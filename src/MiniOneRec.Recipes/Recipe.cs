using System.Globalization;
using Microsoft.Extensions.AI;
using MiniOneRec.Alignment;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tokenization;
using MiniOneRec.Training.Distributed;
using TorchSharp;

namespace MiniOneRec.Recipes;

/// <summary>The whole way of the data: semantic IDs, baselines, supervised training, GRPO, tuning on validation rows, report.</summary>
/// <remarks>Every stage leaves an artifact in the output folder: vectors, quantizer, index, a model after each training, the
/// report. With <see cref="RecipeOptions.Resume"/> a run that was stopped goes on where it ended.</remarks>
public sealed partial class Recipe
{
    private static readonly double[] HistoryPenalties = [0, 0.25, 0.5, 0.75, 1, 1.5];

    private readonly RecipeOptions _options;
    private readonly MiniOneRecOptions _shared;
    private readonly IEmbeddingGenerator<string, Embedding<float>>? _encoder;
    private const string Served = "model";
    private RecipePreset _preset;                               // of the data of the latest run

    /// <summary>Makes a recipe.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
    /// <param name="encoder">
    /// Turns item texts into vectors, or <see langword="null"/> for <see cref="TfIdfEncoder"/>; the caller disposes it.
    /// </param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public Recipe(RecipeOptions? options = null, IEmbeddingGenerator<string, Embedding<float>>? encoder = null)
    {
        _encoder = encoder;
        _options = OptionsValidation.Validated(options ?? new RecipeOptions(), new RecipeOptionsValidator(), new RecipeOptionsRules())
            .Copy();
        _shared = new MiniOneRecOptions { Device = _options.Device, Seed = _options.Seed };
        _preset = _options.Preset;
    }

    /// <summary>Runs all stages, or with <see cref="RecipeOptions.Resume"/> those that an earlier run in the folder has not
    /// finished.</summary>
    /// <param name="data">The catalogue and its three sets.</param>
    /// <param name="observer">Told about stages and figures.</param>
    /// <param name="cancellationToken">Looked at between steps; finished artifacts stay.</param>
    /// <returns>The recommender, the index and the report, which is also saved.</returns>
    /// <exception cref="InvalidDataException">The folder has a run of other settings, data or version, and
    /// <see cref="RecipeOptions.Resume"/> is set; or a file is damaged.</exception>
    public async Task<RecipeResult> RunAsync(SplitDataset data, IRecipeObserver? observer = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        RivalRegistry.Require(_options.Baselines, data);
        var journal = await OpenJournalAsync(data, cancellationToken).ConfigureAwait(false);
        observer = Parallel.IsFirst ? observer : null;
        if (journal.Has(RecipeJournal.LastStage))
        {
            return await FinishedAsync(data, observer, cancellationToken).ConfigureAwait(false);
        }

        try
        {
            return await new Recipe(this, journal).RunStagesAsync(data, observer, cancellationToken).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            await journal.SaveAsync(CancellationToken.None).ConfigureAwait(false);
            throw;
        }
    }

    private async Task<RecipeResult> RunStagesAsync(SplitDataset data, IRecipeObserver? observer, CancellationToken cancellationToken)
    {
        var journal = _journal!;
        var stages = new StageRunner(observer, journal.Seconds);
        stages.Say(string.Create(CultureInfo.InvariantCulture,
            $"{data.Name}, split {data.Split}: {data.Items.Count:N0} items, {data.TrainSequences.Count:N0} training sequences with "
            + $"{data.TrainSequences.Sum(s => s.ItemIds.Count):N0} interactions, "
            + $"{data.Validation.Count:N0} validation and {data.Test.Count:N0} test rows."));

        var vectors = new VectorStage(_options, _encoder, stages, journal);
        var index = await Parallel.OnFirstAsync(
            token => new IndexStage(_options, stages, vectors, journal, _clock!).RunAsync(data, token), cancellationToken)
            .ConfigureAwait(false) ?? await LoadIndexAsync(data, cancellationToken).ConfigureAwait(false);
        var board = new Leaderboard(_options, data, index, stages, journal);
        DescribeProcesses(board);
        journal.Report = board.Report;
        var choice = new ValueChoice(_options, stages, board);

        var popularity = new PopularityRecommender(data.TrainSequences, index.Items);
        var baselines = await Parallel.OnFirstAsync(
            token => new BaselineStage(_options, stages, board, vectors, journal, _clock!).RunAsync(data, index, popularity, token),
            cancellationToken).ConfigureAwait(false)
            ?? new BaselineResult(new SequentialRulesRecommender(data.TrainSequences, index.Items), [], null, null);

        GenerativeRecommender? recommender = null;
        try
        {
            var content = await Parallel.OnFirstAsync(token => vectors.ForModelAsync(data, token), cancellationToken).ConfigureAwait(false);
            content = Parallel.IsFirst ? content : await vectors.ForModelAsync(data, cancellationToken).ConfigureAwait(false);
            var shape = DataShape.Of(data, index.Depth, content?.Width ?? 0);
            ChoosePreset(shape with { LearnsSemanticIds = IndexStage.Learns(_options, data) }, stages, board);
            recommender = await SftAsync(data, index, content, popularity.Counts, stages, board, choice, cancellationToken)
                .ConfigureAwait(false);
            if (!_options.SkipReinforcement)
            {
                await GrpoAsync(recommender, baselines.Rules, data, stages, board, choice, cancellationToken).ConfigureAwait(false);
            }

            await Parallel.OnFirstAsync(token => ServeAsync(recommender, baselines, data, stages, board, token), cancellationToken)
                .ConfigureAwait(false);
            recommender = await ServedByAllAsync(recommender, cancellationToken).ConfigureAwait(false);
            await EvaluateAsync(recommender, "minionerec", stages.Seconds.GetValueOrDefault("shares"), board, cancellationToken)
                .ConfigureAwait(false);
            var report = await Parallel.OnFirstAsync(token => SaveAsync(board, token), cancellationToken).ConfigureAwait(false)
                ?? await ComparisonReport.LoadAsync(_options.ReportPath, cancellationToken).ConfigureAwait(false);
            return new RecipeResult(recommender, index, report) { Trained = baselines.Trained };
        }
        catch
        {
            recommender?.Dispose();
            baselines.Trained?.Dispose();
            throw;
        }
    }

    private void ChoosePreset(DataShape shape, StageRunner stages, Leaderboard board)
    {
        _preset = _options.Preset.For(shape, _options.Budget, torch.get_num_threads() * Parallel.Group.Size);
        if (_options.Preset.Automatic)
        {
            string text = string.Create(CultureInfo.InvariantCulture,
                $"width {_preset.HiddenSize}, {_preset.Sft(0, shape.HasVectors).Epochs} passes, batches of {_preset.BatchSize}, "
                + $"{_preset.Precision}, soft labels {_preset.TeacherShare}, "
                + $"{_preset.SftTime?.TotalMinutes:F0} minutes of training at most");
            board.Details["auto"] = text;
            stages.Say($"Chosen for {shape.Users:N0} users, {shape.Items:N0} items and {shape.Interactions:N0} interactions: {text}.");
        }
    }

    private async Task<GenerativeRecommender> SftAsync(
        SplitDataset data, SemanticIdIndex index, ItemContent? content, IReadOnlyDictionary<string, double> popularity, StageRunner stages,
        Leaderboard board, ValueChoice choice,
        CancellationToken cancellationToken)
    {
        if ((_options.GrpoModel ?? _options.SftModel) is { } folder)
        {
            var loaded = await LoadAsync(folder, cancellationToken).ConfigureAwait(false);
            (loaded.Prior, loaded.AdditionalPriors) = (null, []);   // chosen anew below
            RequireSameContent(loaded, content, folder);
            if (loaded.Index.Fingerprint != index.Fingerprint)
            {
                loaded.Dispose();
                throw new InvalidDataException($"Model folder '{folder}' was trained with another index than the one of '{data.Name}'.");
            }

            if (_options.GrpoModel is null)
            {
                if (!_journal!.Has("sft"))
                {
                    await Parallel.OnFirstAsync(token => OwnSharesAsync(loaded, "sft", data, stages, board, choice, token),
                        cancellationToken).ConfigureAwait(false);
                    ShareSettings(loaded);
                }

                await EvaluateAsync(loaded, "minionerec-sft", stages.Seconds.GetValueOrDefault("sft"), board, cancellationToken)
                    .ConfigureAwait(false);
            }

            return loaded;
        }

        var factory = new GenerativeRecommenderFactory(_preset.Modeling(RecipePreset.NobodyComesBack(data.TrainSequences)), _shared)
        {
            CodeRows = content is not null && _preset.CodesFromContent ? new ContentRows(content, index) : null,
        };
        var recommender = await factory.CreateAsync(index, popularity, cancellationToken).ConfigureAwait(false);
        if (content is not null && _preset.Content() is { } how)
        {
            recommender.Model.Attach(
                new ContentModule(content, index, recommender.Template, recommender.Model.Config.HiddenSize, how, popularity));
        }

        var trainer = new SftTrainer(
            _preset.Tasks(), Bounded(_preset.Sft(_options.Seed, recommender.Model.Content is not null)))
        {
            ProcessGroup = ProcessGroup, Sharding = Sharding,
        };
        var result = await stages.RunAsync("sft", progress =>
            trainer.TrainAsync(recommender, data.TrainSequences, data.Validation, progress, cancellationToken), continues: true)
            .ConfigureAwait(false);
        await Parallel.OnFirstAsync(async token =>
        {
            board.AddHistory("sft", result with { History = SftHistory(result) });
            await OwnSharesAsync(recommender, "sft", data, stages, board, choice, token).ConfigureAwait(false);
            await SaveAndVerifyAsync(recommender, "sft", data, stages, token).ConfigureAwait(false);
            await _journal!.FinishAsync("sft", token).ConfigureAwait(false);
        }, cancellationToken).ConfigureAwait(false);
        ShareSettings(recommender);
        await EvaluateAsync(recommender, "minionerec-sft", stages.Seconds["sft"], board, cancellationToken).ConfigureAwait(false);
        return recommender;
    }

    private async Task GrpoAsync(
        GenerativeRecommender recommender, IItemScorer rules, SplitDataset data, StageRunner stages, Leaderboard board, ValueChoice choice,
        CancellationToken cancellationToken)
    {
        if (_options.GrpoModel is null)
        {
            var trainer = new GrpoTrainer(RecipePreset.Rewards(rules), Bounded(_preset.Grpo(_options.Seed)))
            {
                ProcessGroup = ProcessGroup, Sharding = Sharding,
            };
            var result = await stages.RunAsync("grpo", progress =>
                trainer.TrainAsync(recommender, data.Train, data.Validation, progress, cancellationToken), continues: true)
                .ConfigureAwait(false);
            await Parallel.OnFirstAsync(async token =>
            {
                board.AddHistory("grpo", result);
                await OwnSharesAsync(recommender, "grpo", data, stages, board, choice, token).ConfigureAwait(false);
                await SaveAndVerifyAsync(recommender, "grpo", data, stages, token).ConfigureAwait(false);
                await _journal!.FinishAsync("grpo", token).ConfigureAwait(false);
            }, cancellationToken).ConfigureAwait(false);
            ShareSettings(recommender);
        }

        await EvaluateAsync(recommender, "minionerec-grpo", stages.Seconds.GetValueOrDefault("grpo"), board, cancellationToken)
            .ConfigureAwait(false);
    }

    // Users come back less often as time passes, and a model knows only how often they did in training.
    private static async Task HistoryPenaltyAsync(
        GenerativeRecommender recommender, string model, SplitDataset data, ValueChoice choice, CancellationToken cancellationToken)
    {
        if (!recommender.Options.ExcludeHistory)
        {
            await choice.RunAsync(
                $"{model} history penalty", HistoryPenalties, penalty => recommender.HistoryPenalty = penalty, recommender,
                data.Validation, cancellationToken).ConfigureAwait(false);
        }
    }

    private Task<GenerativeRecommender> LoadAsync(string folder, CancellationToken cancellationToken) => GenerativeRecommender.LoadAsync(
        folder, new RecommenderLoadOptions { Scorers = BaselineScorers.Loaders, Device = DeviceOf(ProcessGroup, _options.Device) },
        cancellationToken);

    // Saves the model, loads it back, and holds the copy to identical answers.
    private async Task SaveAndVerifyAsync(GenerativeRecommender recommender, string name, SplitDataset data, StageRunner stages,
        CancellationToken cancellationToken)
    {
        string folder = Path.Combine(_options.Output, name);
        await recommender.SaveAsync(folder, cancellationToken).ConfigureAwait(false);
        using var loaded = await LoadAsync(folder, cancellationToken).ConfigureAwait(false);
        RecommendationRequest[] requests = [.. data.Test.Take(32).Select(row => new RecommendationRequest { History = row.History })];
        var before = await recommender.RecommendAsync(requests, cancellationToken).ConfigureAwait(false);
        var after = await loaded.RecommendAsync(requests, cancellationToken).ConfigureAwait(false);
        if (!before.Zip(after).All(pair => pair.First.Items.SequenceEqual(pair.Second.Items)))
        {
            throw new InvalidDataException($"The model in '{folder}' answers differently after loading.");
        }

        stages.Say($"{name}: saved in {folder}; loaded back, it gives identical results.");
    }
}
