using MiniOneRec.Baselines;
using MiniOneRec.Recipes;

namespace MiniOneRec.Experiments;

/// <summary>Trains the models of the main table.</summary>
internal static class PaperModels
{
    private const string Bce = "-bce";

    /// <summary>Trains a model.</summary>
    /// <param name="name">One of <see cref="PaperSettings.AllNames"/>, or a neural baseline with <c>-bce</c>.</param>
    /// <param name="paper">The data.</param>
    /// <param name="settings">Sizes and budgets.</param>
    /// <param name="seed">The seed.</param>
    /// <param name="context">Is told of progress.</param>
    public static async Task<TrainedRival> TrainAsync(string name, PaperData paper, PaperSettings settings, int seed, StudyContext context)
    {
        var (data, index, token) = (paper.Data, paper.Index, context.CancellationToken);
        var shared = new MiniOneRecOptions { Device = settings.Device, Seed = seed };
        switch (name)
        {
            case "minionerec":
                return await OursAsync(paper, settings, seed, context);
            case "text-knn":
                return new TrainedRival(new TextKnnRecommender(paper.Text!, data.TrainSequences, index.Items));
            case "star":
                return new TrainedRival(new StarRecommender(paper.Text!, data.TrainSequences, index.Items));
            case "mixture":
                return await MixtureAsync(paper, seed, token);
            default:
                bool bce = name.EndsWith(Bce, StringComparison.Ordinal);
                var rival = RivalRegistry.Find(bce ? name[..^Bce.Length] : name)!;
                return await rival.TrainAsync(new RivalContext(data, index, settings.Preset, shared, token)
                {
                    LanguageModel = settings.LanguageModel,
                    Budget = settings.Budget,
                    Loss = bce ? NextItemLoss.BinaryCrossEntropy : null,
                    Progress = new Relay(context, name),
                });
        }
    }

    // The recipe as it is served: supervised training, GRPO, and what validation rows chose. Its own report looks at one test row.
    private static async Task<TrainedRival> OursAsync(PaperData paper, PaperSettings settings, int seed, StudyContext context)
    {
        var options = new RecipeOptions
        {
            Preset = settings.Preset, Seed = seed, Device = settings.Device, Baselines = [], MaxTestRows = 1,
            Output = Path.Combine(settings.Work, "artifacts", $"{paper.Data.Name}-{seed}"),
            Embeddings = settings.VectorsOf(paper.Data.Name), Budget = settings.Budget,
        };
        var result = await new Recipe(options).RunAsync(paper.Data, cancellationToken: context.CancellationToken);
        result.Recommender.Name = "minionerec";
        return new TrainedRival(result.Recommender, result.Recommender.Model.parameters().Sum(parameter => parameter.numel()));
    }

    private static async Task<TrainedRival> MixtureAsync(PaperData paper, int seed, CancellationToken cancellationToken)
    {
        var (train, items) = (paper.Data.TrainSequences, paper.Index.Items);
        List<MixturePart> parts =
            [new(new SequentialRulesRecommender(train, items)), new(new ItemKnnRecommender(train, items))];
        if (paper.Text is not null)
        {
            parts.Add(new MixturePart(new TextKnnRecommender(paper.Text, train, items)));
        }

        var tuner = new MixtureTuner(new() { Forms = [MixtureForm.Linear, MixtureForm.Geometric], Seed = seed });
        return new TrainedRival((await tuner.TuneAsync(parts, paper.Data.Validation, cancellationToken)).Mixture);
    }

    private sealed class Relay(StudyContext context, string name) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value)
        {
            if (value.Metrics.TryGetValue("NDCG@10", out double ndcg))
            {
                context.Log($"{name}: {value.Stage} step {value.Step} of {value.TotalSteps}, validation NDCG@10 {ndcg:F4}");
            }
        }
    }
}
