using System.Globalization;
using System.Text;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>GRPO and preference training by several processes against the same by one.</summary>
internal static class Policy
{
    private const int Steps = 16;

    public static void Compare(IProcessGroup group)
    {
        var wrong = new List<string>();
        Check("grpo", Sharding.None, (model, many, sharding, folder) => Grpo(model, many, sharding, Options(folder)));
        Check("grpo zero-2, several updates, resampling", Sharding.Gradients, (model, many, sharding, folder) =>
        {
            var options = Options(folder);
            (options.GroupsPerUpdate, options.ResampleRounds, options.InnerEpochs, options.GroupsPerPass) = (2, 1, 2, 2);
            return Grpo(model, many, sharding, options);
        });
        Check("grpo guards", Sharding.OptimizerState, (model, many, sharding, folder) =>
        {
            var options = Options(folder);
            (options.Guards.ValidateEverySteps, options.Guards.BeamWidth, options.Guards.KlCeiling) = (5, 10, 0.02);
            return Grpo(model, many, sharding, options, Toy.Examples(7));
        });
        Check("preference", Sharding.OptimizerState, (model, many, sharding, _) =>
            new PreferenceTrainer(new PreferenceOptions { Steps = Steps, PromptsPerStep = 5, GroupsPerPass = 2, LearningRate = 1e-3 })
            {
                ProcessGroup = many,
                Sharding = sharding,
            }.TrainAsync(model, Toy.Examples(17)).GetAwaiter().GetResult());
        if (wrong.Count > 0)
        {
            throw new InvalidOperationException($"Wrong: {string.Join("; ", wrong)}.");
        }

        void Check(string name, Sharding sharding, Func<GenerativeRecommender, IProcessGroup?, Sharding, string?, TrainingResult> train)
        {
            var (one, alone) = Run(null, Sharding.None);
            var (many, together) = Run(group, sharding);
            double loss = Losses(one).Zip(Losses(many), (a, b) => double.IsNaN(a) && double.IsNaN(b) ? 0 : Math.Abs(a - b)).Max();
            double weights = alone.Zip(together, (a, b) => (double)Math.Abs(a - b)).Max();
            string[] hashes =
                [.. group.Gather(Encoding.UTF8.GetBytes(Toy.Hash(together))).Select(bytes => Encoding.UTF8.GetString(bytes))];
            if (group.Rank == 0)
            {
                double silent = one.History.Average(report => report.Metrics.GetValueOrDefault("zero_advantage"));
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"figures {name}: loss {loss:0.0e0}, weights {weights:0.0e0}, {one.StopReason}, {silent:0.00} silent"));
            }

            Require(hashes.Distinct().Count() == 1, "the ranks' weights differ");
            Require(loss <= 1e-6, $"losses differ by {loss}");                      // advantages are about 1, and losses nearly cancel
            Require(weights <= 1e-5, $"weights differ by {weights}");
            Require(
                one.Steps == many.Steps && one.BestStep == many.BestStep && Why(one) == Why(many),
                $"{one.Steps}, {one.StopReason}, {one.BestStep} and {many.Steps}, {many.StopReason}, {many.BestStep}");

            void Require(bool holds, string what) => wrong.AddRange(holds ? [] : [$"{name}: {what}"]);

            (TrainingResult Result, float[] Weights) Run(IProcessGroup? processes, Sharding how)
            {
                using var recommender = Toy.Recommender(deviation: 0.3);
                var result = train(recommender, processes, how, null);
                return (result, Toy.Weights(recommender.Model));
            }
        }
    }

    private static string Why(TrainingResult result) => result.StopReason.Split(':')[0];

    private static GrpoOptions Options(string? folder)
    {
        var options = new GrpoOptions { Steps = Steps, PromptsPerStep = 5, GroupSize = 4, GroupsPerPass = 3, LearningRate = 1e-3 };
        options.Checkpoints.Folder = folder;
        return options;
    }

    private static TrainingResult Grpo(GenerativeRecommender model, IProcessGroup? group, Sharding sharding, GrpoOptions options,
        IReadOnlyList<NextItemExample>? validation = null) =>
        new GrpoTrainer([new ExactMatchReward(), new RankReward()], options) { ProcessGroup = group, Sharding = sharding }
            .TrainAsync(model, Toy.Examples(17), validation).GetAwaiter().GetResult();

    private static IEnumerable<double> Losses(TrainingResult result) =>
        result.History.Where(report => report.Step > 0).Select(report => report.Metrics.GetValueOrDefault("loss", double.NaN));
}
