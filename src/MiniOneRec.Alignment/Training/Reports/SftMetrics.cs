using System.Diagnostics.Metrics;

namespace MiniOneRec.Alignment;

/// <summary>The package's instruments, for one run.</summary>
internal sealed class SftMetrics : IDisposable
{
    private readonly Meter? _own;
    private readonly Counter<long> _steps;
    private readonly Counter<long> _tokens;
    private readonly Counter<long> _samples;
    private readonly Gauge<double> _loss;
    private readonly Gauge<double> _gradientNorm;
    private readonly Gauge<double> _learningRate;
    private readonly Gauge<double> _validation;
    private readonly Gauge<double> _tokenRate;
    private readonly Gauge<double> _sampleRate;
    private readonly Gauge<double> _memory;

    /// <summary>Makes the instruments.</summary>
    /// <param name="meters">The container's factory, which then owns the meter, or <see langword="null"/> for a meter of its own.</param>
    public SftMetrics(IMeterFactory? meters)
    {
        var meter = meters?.Create("MiniOneRec.Alignment") ?? (_own = new Meter("MiniOneRec.Alignment"));
        _steps = meter.CreateCounter<long>("minionerec.sft.steps", "{step}", "Optimizer steps taken");
        _tokens = meter.CreateCounter<long>("minionerec.sft.tokens", "{token}", "Tokens trained on");
        _samples = meter.CreateCounter<long>("minionerec.sft.samples", "{sample}", "Samples trained on");
        _loss = meter.CreateGauge<double>("minionerec.sft.loss", "nat", "Mean loss per label of the last step; by task where tagged");
        _gradientNorm = meter.CreateGauge<double>("minionerec.sft.gradient_norm", null, "Norm of the gradient before clipping");
        _learningRate = meter.CreateGauge<double>("minionerec.sft.learning_rate", null, "Learning rate of the last step");
        _validation = meter.CreateGauge<double>("minionerec.sft.validation", null, "Last validation figure, by metric");
        _tokenRate = meter.CreateGauge<double>("minionerec.sft.token_rate", "{token}/s", "Tokens per second of the last step");
        _sampleRate = meter.CreateGauge<double>("minionerec.sft.sample_rate", "{sample}/s", "Samples per second of the last step");
        _memory = meter.CreateGauge<double>("minionerec.sft.memory", "MBy", "Resident memory of the process");
    }

    public void Record(IReadOnlyDictionary<string, double> metrics, long tokens, long samples)
    {
        _steps.Add(1);
        _tokens.Add(tokens);
        _samples.Add(samples);
        foreach (var (name, value) in metrics)
        {
            switch (name)
            {
                case "loss": _loss.Record(value); break;
                case "gradient_norm": _gradientNorm.Record(value); break;
                case "learning_rate": _learningRate.Record(value); break;
                case "memory_mb": _memory.Record(value); break;
                case "tokens_per_second": _tokenRate.Record(value); break;
                case "samples_per_second": _sampleRate.Record(value); break;
                case var task when task.StartsWith("nll/", StringComparison.Ordinal): _loss.Record(value, new KeyValuePair<string,
                    object?>("task", task[4..])); break;
            }
        }
    }

    public void RecordValidation(IReadOnlyDictionary<string, double> measured)
    {
        foreach (var (name, value) in measured)
        {
            _validation.Record(value, new KeyValuePair<string, object?>("metric", name));
        }
    }

    public void Dispose() => _own?.Dispose();
}
