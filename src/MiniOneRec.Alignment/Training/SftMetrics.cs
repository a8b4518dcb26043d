using System.Diagnostics.Metrics;

namespace MiniOneRec.Alignment;

/// <summary>The package's instruments.</summary>
internal static class SftMetrics
{
    private static readonly Meter Meter = new("MiniOneRec.Alignment");
    private static readonly Counter<long> Steps = Meter.CreateCounter<long>("minionerec.sft.steps", "{step}", "Optimizer steps taken");
    private static readonly Counter<long> Tokens = Meter.CreateCounter<long>("minionerec.sft.tokens", "{token}", "Tokens trained on");
    private static readonly Counter<long> Samples = Meter.CreateCounter<long>("minionerec.sft.samples", "{sample}", "Samples trained on");
    private static readonly Gauge<double> Loss = Meter.CreateGauge<double>("minionerec.sft.loss", "nat", "Mean loss per label of the last step; by task where tagged");
    private static readonly Gauge<double> GradientNorm = Meter.CreateGauge<double>("minionerec.sft.gradient_norm", null, "Norm of the gradient before clipping");
    private static readonly Gauge<double> LearningRateValue = Meter.CreateGauge<double>("minionerec.sft.learning_rate", null, "Learning rate of the last step");
    private static readonly Gauge<double> Validation = Meter.CreateGauge<double>("minionerec.sft.validation", null, "Last validation figure, by metric");
    private static readonly Gauge<double> TokenRate = Meter.CreateGauge<double>("minionerec.sft.token_rate", "{token}/s", "Tokens per second of the last step");
    private static readonly Gauge<double> SampleRate = Meter.CreateGauge<double>("minionerec.sft.sample_rate", "{sample}/s", "Samples per second of the last step");
    private static readonly Gauge<double> Memory = Meter.CreateGauge<double>("minionerec.sft.memory", "MBy", "Resident memory of the process");

    public static void Record(IReadOnlyDictionary<string, double> metrics, long tokens, long samples)
    {
        Steps.Add(1);
        Tokens.Add(tokens);
        Samples.Add(samples);
        foreach (var (name, value) in metrics)
        {
            switch (name)
            {
                case "loss": Loss.Record(value); break;
                case "gradient_norm": GradientNorm.Record(value); break;
                case "learning_rate": LearningRateValue.Record(value); break;
                case "memory_mb": Memory.Record(value); break;
                case "tokens_per_second": TokenRate.Record(value); break;
                case "samples_per_second": SampleRate.Record(value); break;
                case var task when task.StartsWith("nll/", StringComparison.Ordinal): Loss.Record(value, new KeyValuePair<string, object?>("task", task[4..])); break;
            }
        }
    }

    public static void RecordValidation(IReadOnlyDictionary<string, double> measured)
    {
        foreach (var (name, value) in measured)
        {
            Validation.Record(value, new KeyValuePair<string, object?>("metric", name));
        }
    }
}
