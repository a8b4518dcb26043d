using System.Globalization;
using System.Text;
using System.Text.Json;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>GRPO and preference training by several processes against the same by one.</summary>
internal static class Policy
{
    private const int Steps = 16;
    private static readonly JsonSerializerOptions Json = new()
    {
        IncludeFields = true, NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    public static void Compare(IProcessGroup group)
    {
        (string Name, Sharding Sharding, Func<GenerativeRecommender, IProcessGroup?, Sharding, TrainingResult> Train)[] cases =
        [
            ("grpo", Sharding.None, (model, many, sharding) => Grpo(model, many, sharding, Options())),
            ("grpo zero-2, several updates, resampling", Sharding.Gradients, (model, many, sharding) =>
            {
                var options = Options();
                (options.GroupsPerUpdate, options.ResampleRounds, options.InnerEpochs, options.GroupsPerPass) = (2, 1, 2, 2);
                return Grpo(model, many, sharding, options);
            }),
            ("grpo guards", Sharding.OptimizerState, (model, many, sharding) =>
            {
                var options = Options();
                (options.Guards.ValidateEverySteps, options.Guards.BeamWidth, options.Guards.KlCeiling) = (5, 10, 0.02);
                return Grpo(model, many, sharding, options, Toy.Examples(7));
            }),
            ("preference", Sharding.OptimizerState, Preference),
            ("grpo zero-3, silent groups of one rank, resumed", Sharding.Weights, (model, many, sharding) =>
            {
                // One prompt a process or two: where its group is silent, it has no pass while others have.
                var options = Options();
                (options.PromptsPerStep, options.GroupsPerPass, options.GroupsPerUpdate, options.InnerEpochs) = (3, 1, 2, 2);
                (options.Reference.SyncEverySteps, options.Guards.ValidateEverySteps, options.Guards.BeamWidth) = (3, 5, 10);
                return many is null ? Grpo(model, many, sharding, options, Toy.Examples(7)) : Halves(model, many, sharding, options);
            }),
            ("preference zero-3", Sharding.Weights, Preference),
        ];

        // What one process gives; each process computes a part of the cases.
        var own = cases.Where((_, i) => i % group.Size == group.Rank)
            .ToDictionary(of => of.Name, of => Run(of.Train, null, Sharding.None));
        var alone = group.Gather(JsonSerializer.SerializeToUtf8Bytes(own, Json))
            .SelectMany(bytes => JsonSerializer.Deserialize<Dictionary<string, Outcome>>(bytes, Json)!)
            .ToDictionary(pair => pair.Key, pair => pair.Value);
        var wrong = new List<string>();
        foreach (var (name, sharding, train) in cases)
        {
            var (one, many) = (alone[name], Run(train, group, sharding));
            double loss = one.Losses.Zip(many.Losses, (a, b) => double.IsNaN(a) && double.IsNaN(b) ? 0 : Math.Abs(a - b))
                .DefaultIfEmpty().Max();
            double weights = one.Weights.Zip(many.Weights, (a, b) => (double)Math.Abs(a - b)).DefaultIfEmpty().Max();
            string[] hashes =
                [.. group.Gather(Encoding.UTF8.GetBytes(Toy.Hash(many.Weights))).Select(bytes => Encoding.UTF8.GetString(bytes))];
            if (group.Rank == 0)
            {
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                    $"figures {name}: loss {loss:0.0e0}, weights {weights:0.0e0}, {one.Why}, {one.Silent:0.00} silent"));
            }

            Require(hashes.Distinct().Count() == 1, "the ranks' weights differ");
            Require(one.Losses.Length == many.Losses.Length && one.Weights.Length == many.Weights.Length,
                $"{many.Losses.Length} losses and {many.Weights.Length} weights");
            Require(loss <= 1e-6, $"losses differ by {loss}");                      // advantages are about 1, and losses nearly cancel
            Require(weights <= 1e-5, $"weights differ by {weights}");
            Require(one.Ends == many.Ends && one.Why == many.Why, $"{one.Ends}, {one.Why} and {many.Ends}, {many.Why}");
            Require(!name.Contains("silent", StringComparison.Ordinal) || one.HasPartlySilent, "no step has silent and other groups");

            void Require(bool holds, string what) => wrong.AddRange(holds ? [] : [$"{name}: {what}"]);
        }

        if (wrong.Count > 0)
        {
            throw new InvalidOperationException($"Wrong: {string.Join("; ", wrong)}.");
        }
    }

    private static Outcome Run(
        Func<GenerativeRecommender, IProcessGroup?, Sharding, TrainingResult> train, IProcessGroup? processes, Sharding how)
    {
        using var recommender = Toy.Recommender(deviation: 0.3);
        var result = train(recommender, processes, how);
        double[] losses = [.. result.History.Where(report => report.Step > 0)
            .Select(report => report.Metrics.GetValueOrDefault("loss", double.NaN))];
        double[] silent = [.. result.History.Select(report => report.Metrics.GetValueOrDefault("zero_advantage"))];
        return new Outcome(losses, Toy.Weights(recommender.Model), (result.Steps, result.BestStep), result.StopReason.Split(':')[0],
            silent.DefaultIfEmpty().Average(), silent.Any(share => share is > 0 and < 1));
    }

    // The run is cancelled at half its length and goes on from its checkpoint; between steps the weights are divided.
    private static TrainingResult Halves(GenerativeRecommender model, IProcessGroup group, Sharding sharding, GrpoOptions options)
    {
        string own = group.Rank == 0 ? Directory.CreateTempSubdirectory("minionerec-policy-").FullName : "";
        string folder = Encoding.UTF8.GetString(group.Gather(Encoding.UTF8.GetBytes(own))[0]);
        options.Checkpoints.Folder = folder;
        using var stop = new CancellationTokenSource();
        var watch = new Watch(step =>
        {
            if (step > 0 && !model.Model.parameters().All(Toy.IsAway))
            {
                throw new InvalidOperationException("Wrong: the weights are whole between steps.");
            }

            if (step == Steps / 2)
            {
                stop.Cancel();
            }
        });
        try
        {
            Grpo(model, group, sharding, options, Toy.Examples(7), watch, stop.Token);
            throw new InvalidOperationException("Wrong: the run was not cancelled.");
        }
        catch (OperationCanceledException)
        {
            using var again = Toy.Recommender(deviation: 0.3);
            var result = Grpo(again, group, sharding, options, Toy.Examples(7));
            using var noGrad = TorchSharp.torch.no_grad();
            foreach (var (target, source) in model.Model.parameters().Zip(again.Model.parameters()))
            {
                target.copy_(source);
            }

            return result;
        }
        finally
        {
            group.Barrier();
            if (group.Rank == 0)
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static TrainingResult Preference(GenerativeRecommender model, IProcessGroup? group, Sharding sharding) =>
        new PreferenceTrainer(new PreferenceOptions { Steps = Steps, PromptsPerStep = 5, GroupsPerPass = 2, LearningRate = 1e-3 })
        {
            ProcessGroup = group,
            Sharding = sharding,
        }.TrainAsync(model, Toy.Examples(17)).GetAwaiter().GetResult();

    private static GrpoOptions Options() =>
        new() { Steps = Steps, PromptsPerStep = 5, GroupSize = 4, GroupsPerPass = 3, LearningRate = 1e-3 };

    private static TrainingResult Grpo(GenerativeRecommender model, IProcessGroup? group, Sharding sharding, GrpoOptions options,
        IReadOnlyList<NextItemExample>? validation = null, IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default) =>
        new GrpoTrainer([new ExactMatchReward(), new RankReward()], options) { ProcessGroup = group, Sharding = sharding }
            .TrainAsync(model, Toy.Examples(17), validation, progress, cancellationToken).GetAwaiter().GetResult();

    private sealed record Outcome(
        double[] Losses, float[] Weights, (long Step, long Best) Ends, string Why, double Silent, bool HasPartlySilent);

    private sealed class Watch(Action<long> look) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => look(value.Step);
    }
}
