using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Vectors;

namespace MiniOneRec.Recipes;

/// <summary>Evaluates the baselines that the options name.</summary>
internal sealed class BaselineStage(RecipeOptions options, StageRunner stages, Leaderboard board, VectorStage vectors,
    RecipeJournal journal)
{
    /// <returns>The sequential rules, which later stages use as reward and prior.</returns>
    public async Task<SequentialRulesRecommender> RunAsync(
        SplitDataset data, SemanticIdIndex index, PopularityRecommender popularity, CancellationToken cancellationToken)
    {
        var (rules, rulesSeconds) = StageRunner.Timed(() => new SequentialRulesRecommender(data.TrainSequences, index.Items));
        if (Wanted("popularity"))
        {
            await board.AddAsync(popularity, 0, 0, cancellationToken).ConfigureAwait(false);
        }

        if (Wanted("sequential-rules"))
        {
            await board.AddAsync(rules, 0, rulesSeconds, cancellationToken).ConfigureAwait(false);
        }

        if (Wanted("item-knn"))
        {
            var (knn, seconds) = StageRunner.Timed(() => new ItemKnnRecommender(data.TrainSequences, index.Items));
            await board.AddAsync(knn, 0, seconds, cancellationToken).ConfigureAwait(false);
        }

        await AddVectorBaselinesAsync(data, index, rules, cancellationToken).ConfigureAwait(false);
        var shared = new MiniOneRecOptions { Device = options.Device, Seed = options.Seed };
        foreach (var rival in RivalRegistry.All.Where(rival => Wanted(rival.Name)))
        {
            if (rival.Name == "sasrec")
            {
                using var sasRec = await TrainedSasRecAsync(data, index, cancellationToken).ConfigureAwait(false);
                await board.AddAsync(sasRec, sasRec.ParameterCount, stages.Seconds["sasrec"], cancellationToken).ConfigureAwait(false);
                continue;
            }

            using var trained = await stages.RunAsync(rival.Name, progress => rival.TrainAsync(
                new RivalContext(data, index, options.Preset, shared, cancellationToken)
                {
                    LanguageModel = options.LanguageModel, Progress = progress,
                })).ConfigureAwait(false);
            await board.AddAsync(trained.Recommender, trained.Parameters, stages.Seconds[rival.Name], cancellationToken)
                .ConfigureAwait(false);
        }

        return rules;
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
        var sasRec = await stages.RunAsync(Stage, progress => new SasRecTrainer(options.Preset.SasRec(), shared)
            .TrainAsync(data.TrainSequences, data.Validation, index.Items, progress, cancellationToken)).ConfigureAwait(false);
        if (journal.IsKept)
        {
            // Work that is done is kept although the run is being stopped.
            await sasRec.SaveAsync(folder, CancellationToken.None).ConfigureAwait(false);
            await journal.FinishAsync(Stage, CancellationToken.None).ConfigureAwait(false);
        }

        return sasRec;
    }

    private bool Wanted(string name) => options.Baselines.Contains(name, StringComparer.Ordinal);

    // What reads the items' vectors, and the tuned mixture of all that is counted: the baseline to beat.
    private async Task AddVectorBaselinesAsync(
        SplitDataset data, SemanticIdIndex index, SequentialRulesRecommender rules, CancellationToken cancellationToken)
    {
        if (!Wanted("text-knn") && !Wanted("star") && !Wanted("mixture"))
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
            parts.Add(new MixturePart(knn));
            if (Wanted("text-knn"))
            {
                await board.AddAsync(knn, 0, seconds, cancellationToken).ConfigureAwait(false);
            }

            if (Wanted("star"))
            {
                var (star, starSeconds) = StageRunner.Timed(() => new StarRecommender(text, data.TrainSequences, index.Items));
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
        }
    }
}
