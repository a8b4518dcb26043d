using System.Globalization;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>Measures what a process holds per parameter while it trains in bfloat16.</summary>
internal static class Memory
{
    private const int Steps = 5;

    /// <summary>Trains a few steps on a handful of tokens, so that weights, gradients and the optimizer's state are nearly all.</summary>
    public static void Measure(IProcessGroup group, Sharding sharding, int width, int layers)
    {
        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        random.manual_seed(1);
        using (NewDisposeScope())
        {
            rand(64, 64).mm(rand(64, 64));
        }

        long before = Status("VmRSS");
        using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, width, layers, heads: 4));
        model.to(ScalarType.BFloat16);
        using var recommender = new GenerativeRecommender(model, index, template);
        long parameters = model.parameters().Sum(parameter => parameter.numel()), held = 0, peak = 0;
        var task = new Toy.Watched(epoch =>
        {
            if (epoch == 2)
            {
                held = Status("VmRSS") - before;
                File.WriteAllText("/proc/self/clear_refs", "5");                // the peak begins anew
            }

            peak = Status("VmHWM") - before;
        });
        var options = Sft.Options(options => (options.MaxSteps, options.Precision) = (Steps, TrainingPrecision.BFloat16));
        var trainer = new SftTrainer([task], options) { ProcessGroup = group, Sharding = sharding };
        trainer.TrainAsync(recommender, new AlignmentData(index, Toy.Users(4)), null).GetAwaiter().GetResult();
        if (group.Rank == 0)
        {
            double size = parameters;
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"figures memory {sharding}: parameters {size:0}, held {held / size:0.00}, peak {peak / size:0.00}"));
        }
    }

    // Bytes of this process by the kernel's count.
    private static long Status(string key) => 1024 * long.Parse(
        File.ReadLines("/proc/self/status").First(line => line.StartsWith(key + ":", StringComparison.Ordinal))
            .Split(' ', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries)[^2], CultureInfo.InvariantCulture);
}
