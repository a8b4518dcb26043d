using System.Globalization;
using System.Text.Json;
using MiniOneRec.Alignment;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>Fine-tuning by several processes against the same by one, of the same global batches.</summary>
internal static class Sft
{
    private const int Steps = 30;
    private static readonly JsonSerializerOptions Json = new()
    {
        IncludeFields = true, NumberHandling = System.Text.Json.Serialization.JsonNumberHandling.AllowNamedFloatingPointLiterals,
    };

    private static readonly string[] Repeated = ["data parallel", "zero-1", "zero-2 accumulation", "zero-3"];

    private static readonly (string Name, Sharding Sharding, double Tolerance, Action<SftOptions> Set)[] Modes =
    [
        ("data parallel", Sharding.None, 1, _ => { }),
        ("zero-1", Sharding.OptimizerState, 1, _ => { }),
        ("zero-2 untied", Sharding.Gradients, 1, _ => { }),
        ("accumulation", Sharding.None, 1, options => options.MicroBatchTokens = 16),
        ("zero-2 accumulation", Sharding.Gradients, 1, options => options.MicroBatchTokens = 16),
        ("decay, clipping, average", Sharding.OptimizerState, 1, options =>
            (options.WeightDecay, options.ClipNorm, options.AverageDecay, options.LabelSmoothing) = (0.1, 0.5, 0.9, 0.1)),
        ("ranks without labels", Sharding.None, 1, options => options.BatchSize = 4),
        ("zero-2, ranks without labels", Sharding.Gradients, 1, options => options.BatchSize = 4),
        ("frozen backbone", Sharding.OptimizerState, 1, options => options.FreezeBackbone = true),
        ("lora", Sharding.None, 1, options => options.Lora = new LoraOptions { Rank = 2, Dropout = 0, Merge = true }),
        ("zero-2 lora", Sharding.Gradients, 1, options => options.Lora = new LoraOptions { Rank = 2, Dropout = 0, Merge = true }),
        ("bfloat16", Sharding.OptimizerState, 1e3, options =>
            (options.Precision, options.AverageDecay) = (TrainingPrecision.BFloat16, 0.9)),
        ("zero-2 bfloat16 accumulation", Sharding.Gradients, 1e3, options =>
            (options.Precision, options.MicroBatchTokens) = (TrainingPrecision.BFloat16, 16)),
        ("zero-3", Sharding.Weights, 1, _ => { }),
        ("zero-3 untied bfloat16 accumulation", Sharding.Weights, 1e3, options =>
            (options.Precision, options.MicroBatchTokens, options.AverageDecay) = (TrainingPrecision.BFloat16, 16, 0.9)),
        ("zero-3 validation, accumulation, ranks without labels", Sharding.Weights, 1, options =>
            (options.Validations, options.Patience, options.MicroBatchTokens, options.BatchSize) = (10, 0, 16, 4)),
        ("zero-3 lora", Sharding.Weights, 1, options => options.Lora = new LoraOptions { Rank = 2, Dropout = 0, Merge = true }),
        ("validation", Sharding.Gradients, 1, options => (options.Validations, options.Patience) = (10, 0)),
        ("validation loss", Sharding.None, 1, options => (options.Validations, options.Validation) = (5, ValidationMetric.Loss)),
    ];

    public static SftOptions Options(Action<SftOptions>? set = null)
    {
        var options = new SftOptions
        {
            Epochs = 1000, MaxSteps = Steps, BatchSize = 64, WarmupSteps = 5, LearningRate = 1e-3, Dropout = 0, LabelSmoothing = 0,
            WeightDecay = 0, AverageDecay = 0, ClipNorm = 0, Validations = 1,
        };
        set?.Invoke(options);
        return options;
    }

    /// <summary>Compares every mode, those that matter most for an odd number of processes, or those that are named.</summary>
    public static void Compare(IProcessGroup group, string modes)
    {
        var chosen = Modes.Where((mode, i) =>
            modes == "all" || (modes == "some" ? i is 4 or 5 or 6 or (>= 12 and <= 15) : modes.Split('+').Contains(mode.Name))).ToArray();
        var alone = Alone(group, [.. chosen.Select(mode => (IsTied(mode.Name), Options(mode.Set)))]);
        var wrong = new List<string>();
        foreach (var (name, sharding, tolerance, set) in chosen)
        {
            void Require(bool holds, string what) => wrong.AddRange(holds ? [] : [what]);
            var options = Options(set);
            bool tied = IsTied(name);
            var one = alone[Key(tied, options)];
            var many = Train(group, sharding, options, tied: tied);
            var again = Repeated.Contains(name) ? Train(group, sharding, options, overlaps: false, tied: tied) : many;
            double loss = one.Losses.Zip(many.Losses, (a, b) => Math.Abs(a - b) / Math.Abs(a)).Max();
            double weights = one.Weights.Zip(many.Weights, (a, b) => (double)Math.Abs(a - b)).Max();
            Require(one.Losses.Length == Steps && many.Losses.Length == Steps, $"{name}: {many.Losses.Length} losses");
            if (group.Rank == 0)
            {
                Console.WriteLine(
                    string.Create(CultureInfo.InvariantCulture, $"figures {name}: loss {loss:0.0e0}, weights {weights:0.0e0}"));
            }

            bool repeats = many.Seen.SequenceEqual(again.Seen) && many.Losses.SequenceEqual(again.Losses);
            Require(repeats, $"{name}: the same run, with gradients exchanged after the backward pass, gave other bits");
            string[][] seen = [.. group.Gather(JsonSerializer.SerializeToUtf8Bytes(many.Seen))
                .Select(bytes => JsonSerializer.Deserialize<string[]>(bytes)!)];
            Require(seen.All(of => of.SequenceEqual(seen[0])), $"{name}: the ranks' weights differ after a step");
            Require(loss <= 1e-6 * tolerance, $"{name}: losses differ by {loss}");
            Require(weights <= 1e-5 * tolerance, $"{name}: weights differ by {weights}");
            Require(one.Best.Equals(many.Best), $"{name}: best {one.Best} and {many.Best}");
        }

        Require(wrong.Count == 0, string.Join("; ", wrong));
    }

    private static bool IsTied(string mode) => !mode.Contains("untied", StringComparison.Ordinal);

    private static string Key(bool tied, SftOptions options) => $"{tied} {JsonSerializer.Serialize(options)}";

    // What one process gives; each process computes a part of the settings. Many modes are the same for one process.
    private static Dictionary<string, Outcome> Alone(IProcessGroup group, IEnumerable<(bool Tied, SftOptions Options)> settings)
    {
        var own = settings.DistinctBy(setting => Key(setting.Tied, setting.Options)).Where((_, i) => i % group.Size == group.Rank)
            .ToDictionary(setting => Key(setting.Tied, setting.Options),
                setting => Train(null, Sharding.None, setting.Options, tied: setting.Tied));
        return group.Gather(JsonSerializer.SerializeToUtf8Bytes(own, Json))
            .SelectMany(bytes => JsonSerializer.Deserialize<Dictionary<string, Outcome>>(bytes, Json)!)
            .ToDictionary(pair => pair.Key, pair => pair.Value);
    }

    /// <summary>Checks that differences, bad numbers and small batches end every process with the same message.</summary>
    public static void Refuse(IProcessGroup group)
    {
        bool odd = group.Rank == 1;
        Fails<ProcessGroupException>("options.learningRate is 0.002 on rank 1 and 0.001 on rank 0",
            () => Train(group, Sharding.None, Options(options => options.LearningRate = odd ? 2e-3 : 1e-3)));
        Fails<ProcessGroupException>("data is ", () => Train(group, Sharding.None, Options(), users: odd ? 8 : 9));
        Fails<ProcessGroupException>("options.seed is 4 on rank 1",
            () => Train(group, Sharding.None, Options(options => options.Seed = odd ? 4 : 3)));
        Fails<TrainingDivergedException>("Step 7: the loss is NaN",
            () => Train(group, Sharding.OptimizerState, Options(), look: (model, epoch) => Spoil(model, odd && epoch == 6)), "on rank 1");

        static void Spoil(Modeling.CausalLanguageModel model, bool now)
        {
            if (now)
            {
                using var noGrad = TorchSharp.torch.no_grad();
                model.parameters().First().fill_(float.NaN);
            }
        }
    }

    /// <summary>Begins a run, which the last process cancels.</summary>
    public static void Save(IProcessGroup group, string folder, Sharding sharding)
    {
        using var cancellation = new CancellationTokenSource();
        bool last = group.Rank == group.Size - 1;
        Fails<OperationCanceledException>("", () => Train(group, sharding, Checkpointed(folder), look: (_, epoch) =>
        {
            if (last && epoch == 20)
            {
                cancellation.Cancel();
            }
        }, cancellationToken: cancellation.Token));
        Console.WriteLine($"rank {group.Rank}: stopped with {Directory.GetDirectories(folder).Length} checkpoints");
    }

    /// <summary>Begins a run in which a process is killed: before a step, or at any moment.</summary>
    /// <param name="group">The processes.</param>
    /// <param name="folder">The folder of the checkpoints.</param>
    /// <param name="sharding">What is divided.</param>
    /// <param name="victim">The process that is killed.</param>
    /// <param name="step">The step before which it ends, from 1.</param>
    /// <param name="milliseconds">How long after the step's beginning it ends, or <see langword="null"/> for before it.</param>
    public static void Kill(IProcessGroup group, string folder, Sharding sharding, int victim, int step, int? milliseconds)
    {
        Fails<ProcessGroupException>($"Rank {victim} (process", () => Train(group, sharding, Checkpointed(folder), look: (_, epoch) =>
        {
            if (group.Rank == victim && epoch == step - 1)
            {
                var killer = new Thread(() =>
                {
                    Thread.Sleep(milliseconds ?? 0);
                    System.Diagnostics.Process.GetCurrentProcess().Kill();          // SIGKILL
                });
                killer.Start();
                if (milliseconds is null)
                {
                    killer.Join();
                }
            }

            Thread.Sleep(milliseconds is null ? 0 : 20);                            // so that the run outlasts the moment
        }), "has ended");
    }

    /// <summary>Goes on with it, and compares the end with that of one process without a break.</summary>
    /// <param name="group">The processes, or <see langword="null"/> for this one alone.</param>
    /// <param name="folder">The folder of the checkpoints.</param>
    /// <param name="sharding">What is divided.</param>
    /// <param name="mayBegin">Whether there need be no checkpoint yet.</param>
    public static void Resume(IProcessGroup? group, string folder, Sharding sharding, bool mayBegin = false)
    {
        var one = Train(null, Sharding.None, Checkpointed(null));
        var many = Train(group, sharding, Checkpointed(folder));
        bool reports = group is null or { Rank: 0 };
        Require(!reports || many.Losses.Length is > 0 and < Steps || (mayBegin && many.Losses.Length == Steps),
            $"{many.Losses.Length} losses");
        double loss = one.Losses.TakeLast(many.Losses.Length).Zip(many.Losses, (a, b) => Math.Abs(a - b) / Math.Abs(a))
            .DefaultIfEmpty().Max();
        double weights = one.Weights.Zip(many.Weights, (a, b) => (double)Math.Abs(a - b)).Max();
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
            $"figures resume {group?.Rank ?? 0}: steps {many.Losses.Length}, loss {loss:0.0e0}, weights {weights:0.0e0}"));
        Require(loss <= 1e-6 && weights <= 1e-5, $"loss {loss}, weights {weights}");
        Require(one.Best.Equals(many.Best), $"best {one.Best} and {many.Best}");
    }

    private static SftOptions Checkpointed(string? folder) => Options(options =>
    {
        (options.AverageDecay, options.Validations, options.KeepBest) = (0.9, 10, folder is null ? 1 : 2);
        options.Checkpoints.Folder = folder;
        options.Checkpoints.Every = 6;
    });

    private static Outcome Train(
        IProcessGroup? group, Sharding sharding, SftOptions options, int users = 9, Action<Modeling.CausalLanguageModel, int>? look = null,
        bool overlaps = true, bool tied = true, CancellationToken cancellationToken = default)
    {
        using var recommender = Toy.Recommender(tied: tied);
        var seen = new List<string>();
        var task = new Toy.Watched(epoch =>
        {
            look?.Invoke(recommender.Model, epoch);
            if (sharding == Sharding.Weights && group is { Size: > 1 } && options.Lora is null && epoch > 0)
            {
                Require(recommender.Model.parameters().All(Toy.IsAway), "the weights are whole between steps");
                return;
            }

            seen.Add(Toy.Hash(Toy.Weights(recommender.Model)));
        });
        var trainer = new SftTrainer([task], options) { ProcessGroup = group, Sharding = sharding, Overlaps = overlaps };
        var validation = options.Validations > 1 ? Toy.Examples() : null;
        var result = trainer.TrainAsync(recommender, new AlignmentData(recommender.Index, Toy.Users(users)), validation,
            cancellationToken: cancellationToken).GetAwaiter().GetResult();
        float[] weights = Toy.Weights(recommender.Model);
        return new Outcome(
            [.. result.History.Where(report => report.Metrics.ContainsKey("loss")).Select(report => report.Metrics["loss"])],
            weights, [.. seen, Toy.Hash(weights)], (result.BestStep, Math.Round(result.BestValidation, 5)));
    }

    private static void Fails<T>(string message, Func<Outcome> act, string also = "")
        where T : Exception
    {
        try
        {
            act();
        }
        catch (T e) when (e.Message.Contains(message, StringComparison.Ordinal) && e.Message.Contains(also, StringComparison.Ordinal))
        {
            return;
        }

        throw new InvalidOperationException($"{typeof(T).Name} with '{message}' was expected.");
    }

    private static void Require(bool holds, string what)
    {
        if (!holds)
        {
            throw new InvalidOperationException($"Wrong: {what}.");
        }
    }

    private sealed record Outcome(double[] Losses, float[] Weights, string[] Seen, (long Step, double Value) Best);
}
