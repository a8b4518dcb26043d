using System.Diagnostics;
using System.Globalization;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed.Worker;

/// <summary>Times steps with equal work for each process, and the sum of a small and a large tensor.</summary>
internal static class Speed
{
    private const int Steps = 14;
    private const int Users = 60;
    private const long LargeBytes = 64 << 20;

    public static void Measure(IProcessGroup group, int width, int layers)
    {
        var (late, bytes) = Step(group, width, layers, overlaps: false);
        var (step, _) = group.Size == 1 ? (late, bytes) : Step(group, width, layers, overlaps: true);
        double small = Sum(group, 1), large = Sum(group, LargeBytes / sizeof(float));
        if (group.Rank == 0)
        {
            Console.WriteLine(string.Create(CultureInfo.InvariantCulture,
                $"figures speed: step {step:0.000}, late {late:0.000}, gradient {bytes}, small {small:0.0000}, large {large:0.000}, ")
                + $"bytes {LargeBytes}");
        }
    }

    // The median of several steps, in milliseconds, and the bytes of the gradient.
    private static (double Time, long Bytes) Step(IProcessGroup group, int width, int layers, bool overlaps)
    {
        var index = Toy.Index();
        var template = CompactTemplate.For(index);
        random.manual_seed(1);
        using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, width, layers, heads: 4));
        using var recommender = new GenerativeRecommender(model, index, template);
        long bytes = model.parameters().Sum(parameter => parameter.numel() * parameter.ElementSize);
        var times = new List<long>();
        var task = new Toy.Watched(_ => times.Add(Stopwatch.GetTimestamp()));
        var options = Sft.Options(options => (options.MaxSteps, options.BatchSize) = (Steps, 100_000));
        var trainer = new SftTrainer([task], options) { ProcessGroup = group, Overlaps = overlaps };
        var data = new AlignmentData(index, Toy.Users(Users * group.Size));
        trainer.TrainAsync(recommender, data, null).GetAwaiter().GetResult();
        double[] steps = [.. times.Zip(times.Skip(1), (a, b) => Stopwatch.GetElapsedTime(a, b).TotalMilliseconds).Skip(3).Order()];
        return (steps[steps.Length / 2], bytes);
    }

    // The median of several, in milliseconds.
    private static double Sum(IProcessGroup group, long count)
    {
        using var values = ones(count);
        double[] times = new double[9];
        for (int i = 0; i < times.Length; i++)
        {
            group.Barrier();
            long start = Stopwatch.GetTimestamp();
            group.AllReduce(values).Wait();
            times[i] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        return times[times.Length / 2];
    }
}
