using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Vectors;

namespace MiniOneRec.Recipes;

/// <summary>What the baselines of a run leave to later stages.</summary>
/// <param name="Rules">The sequential rules: the reward of GRPO.</param>
/// <param name="Priors">The scorers that may get a share of the served model: those of every reported baseline but the mixture, so that the
/// tuned model is never below the best of them on the validation rows.</param>
/// <param name="Mixture">The tuned mixture, or <see langword="null"/>. Its weights were chosen on the validation rows already, so that it
/// gets a share only where everything else is below it there.</param>
/// <param name="Trained">A scorer that has to be disposed with the model, or <see langword="null"/>.</param>
internal sealed record BaselineResult(SequentialRulesRecommender Rules, IReadOnlyList<PriorShare> Priors, MixedScorer? Mixture,
    IDisposable? Trained);

/// <summary>Evaluates the baselines that the options name.</summary>
internal sealed class BaselineStage(RecipeOptions options, StageRunner stages, Leaderboard board, VectorStage vectors,
    RecipeJournal journal, RecipeClock clock)
{
    private readonly List<PriorShare> _priors = [];
    private MixedScorer? _mixture;

    public async Task<BaselineResult> RunAsync(
        SplitDataset data, SemanticIdIndex index, PopularityRecommender popularity, CancellationToken cancellationToken)
    {
        var (rules, rulesSeconds) = StageRunner.Timed(() => new SequentialRulesRecommender(data.TrainSequences, index.Items));
        if (Wanted("popularity"))
        {
            await AddAsync(popularity, 0, cancellationToken).ConfigureAwait(false);
        }

        if (Wanted("sequential-rules"))
        {
            await board.AddAsync(rules, 0, rulesSeconds, cancellationToken).ConfigureAwait(false);
        }

        _priors.Add(new PriorShare(rules, 0));
        if (Wanted("item-knn"))
        {
            var (knn, seconds) = StageRunner.Timed(() => new ItemKnnRecommender(data.TrainSequences, index.Items));
            await AddAsync(knn, seconds, cancellationToken).ConfigureAwait(false);
        }

        await AddVectorBaselinesAsync(data, index, rules, cancellationToken).ConfigureAwait(false);
        var sasRec = await RivalsAsync(data, index, cancellationToken).ConfigureAwait(false);
        return new BaselineResult(rules, _priors, _mixture, sasRec);
    }

    private bool Wanted(string name) => options.Baselines.Contains(name, StringComparer.Ordinal);

    private async Task AddAsync(ScoringRecommender baseline, double seconds, CancellationToken cancellationToken)
    {
        await board.AddAsync(baseline, 0, seconds, cancellationToken).ConfigureAwait(false);
        _priors.Add(new PriorShare(baseline, 0));
    }

    private async Task<SasRecRecommender> SasRecAsync(SplitDataset data, SemanticIdIndex index, CancellationToken cancellationToken)
    {
        var sasRec = await TrainedSasRecAsync(data, index, cancellationToken).ConfigureAwait(false);
        try
        {
            await board.AddAsync(sasRec, sasRec.ParameterCount, stages.Seconds["sasrec"], cancellationToken).ConfigureAwait(false);
        }
        catch
        {
            sasRec.Dispose();
            throw;
        }

        _priors.Add(new PriorShare(sasRec, 0) { Scale = PriorScale.Softmax });
        return sasRec;
    }

    private async Task<SasRecRecommender> TrainedSasRecAsync(SplitDataset data, SemanticIdIndex index, CancellationToken cancellationToken)
    {
        const string Stage = "sasrec";
        string folder = Path.Combine(options.Output, "baselines", Stage);
        if (journal.Has(Stage))
        {
            return await SasRecRecommender.LoadAsync(folder, options.Device, cancellationToken).ConfigureAwait(false);
        }

        var shared = new MiniOneRecOptions { Device = options.Device, Seed = options.Seed };
        var settings = options.Preset.SasRec();
        settings.MaxDuration = clock.ForBaseline(Stage);
        var sasRec = await stages.RunAsync(Stage, progress => new SasRecTrainer(settings, shared)
            .TrainAsync(data.TrainSequences, data.Validation, index.Items, progress, cancellationToken)).ConfigureAwait(false);
        if (journal.IsKept)
        {
            // Work that is done is kept although the run is being stopped.
            await sasRec.SaveAsync(folder, CancellationToken.None).ConfigureAwait(false);
            await journal.FinishAsync(Stage, CancellationToken.None).ConfigureAwait(false);
        }

        return sasRec;
    }

    // The paper's rivals, in the order of its table. SASRec may get a share of the served model; the others take part in the report alone.
    private async Task<SasRecRecommender?> RivalsAsync(SplitDataset data, SemanticIdIndex index, CancellationToken cancellationToken)
    {
        var shared = new MiniOneRecOptions { Device = options.Device, Seed = options.Seed };
        SasRecRecommender? sasRec = null;
        try
        {
            foreach (var rival in RivalRegistry.All.Where(rival => Wanted(rival.Name)))
            {
                if (rival.Name == "sasrec")
                {
                    sasRec = await SasRecAsync(data, index, cancellationToken).ConfigureAwait(false);
                    continue;
                }

                using var trained = await stages.RunAsync(rival.Name, progress => rival.TrainAsync(
                    new RivalContext(data, index, options.Preset, shared, cancellationToken)
                    {
                        LanguageModel = options.LanguageModel, Progress = progress, Budget = clock.ForBaseline(rival.Name),
                    })).ConfigureAwait(false);
                await board.AddAsync(trained.Recommender, trained.Parameters, stages.Seconds[rival.Name], cancellationToken)
                    .ConfigureAwait(false);
            }

            return sasRec;
        }
        catch
        {
            sasRec?.Dispose();
            throw;
        }
    }

    // What reads the items' vectors, and the tuned mixture of all that is counted: the baseline to beat.
    private async Task AddVectorBaselinesAsync(
        SplitDataset data, SemanticIdIndex index, SequentialRulesRecommender rules, CancellationToken cancellationToken)
    {
        if (!Wanted("text-knn") && !Wanted("star") && !Wanted("mixture") && !vectors.AreGiven)
        {
            return;
        }

        VectorSource? text = await vectors.TextAsync(data, cancellationToken).ConfigureAwait(false);
        var parts = new List<MixturePart> { new(rules), new(new ItemKnnRecommender(data.TrainSequences, index.Items)) };
        if (text is null)
        {
            stages.Say("The items have neither text nor vectors: no text-knn and no star.");
        }
        else
        {
            var (knn, seconds) = StageRunner.Timed(() => new TextKnnRecommender(text, data.TrainSequences, index.Items));
            var (star, starSeconds) = StageRunner.Timed(() => new StarRecommender(text, data.TrainSequences, index.Items));
            parts.Add(new MixturePart(knn));
            _priors.AddRange([new PriorShare(knn, 0), new PriorShare(star, 0)]);
            if (Wanted("text-knn"))
            {
                await board.AddAsync(knn, 0, seconds, cancellationToken).ConfigureAwait(false);
            }

            if (Wanted("star"))
            {
                await board.AddAsync(star, 0, starSeconds, cancellationToken).ConfigureAwait(false);
            }
        }

        if (Wanted("mixture"))
        {
            var tuner = new MixtureTuner(new() { Forms = [MixtureForm.Linear, MixtureForm.Geometric], Seed = options.Seed });
            var tuning = await stages.RunAsync("mixture", _ => tuner.TuneAsync(parts, data.Validation, cancellationToken))
                .ConfigureAwait(false);
            board.AddMixture(tuning);
            await board.AddAsync(tuning.Mixture, 0, stages.Seconds["mixture"], cancellationToken).ConfigureAwait(false);
            _mixture = tuning.Mixture;
        }
    }
}
