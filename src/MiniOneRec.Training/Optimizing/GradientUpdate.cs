using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>Moves weights by their gradients: exchange, norm, check, clipping, AdamW.</summary>
internal sealed class GradientUpdate : IDisposable
{
    private readonly Parameter[] _parameters;
    private readonly UpdateOptions _options;
    private readonly IGradientExchange? _exchange;

    /// <param name="parameters">The trained parameters; not owned.</param>
    /// <param name="options">Decay and clipping.</param>
    /// <param name="exchange">Combines gradients of several processes, or <see langword="null"/> for one process.</param>
    /// <param name="slow">Parameters among them that have a learning rate of their own, as a share of the common one, and no decay.</param>
    public GradientUpdate(
        IEnumerable<Parameter> parameters, UpdateOptions options, IGradientExchange? exchange = null, IReadOnlyDictionary<Parameter,
        double>? slow = null)
    {
        (_parameters, _options, _exchange) = ([.. parameters], options, exchange);
        Parameter[] common = [.. _parameters.Where(p => slow?.ContainsKey(p) != true)];
        var groups = new List<(IReadOnlyList<Parameter>, double)>();
        var rates = new List<double> { 1, 1 };
        if (options.DecaysVectors)
        {
            groups.AddRange([(common, options.WeightDecay), ([], 0)]);
        }
        else
        {
            groups.AddRange([([.. common.Where(p => p.dim() > 1)], options.WeightDecay), ([.. common.Where(p => p.dim() <= 1)], 0)]);
        }

        foreach (var group in _parameters.Where(p => slow?.ContainsKey(p) == true).GroupBy(p => slow![p]))
        {
            groups.Add(([.. group], 0));
            rates.Add(group.Key);
        }

        Optimizer = new FusedAdamW(groups, beta2: options.Beta2, rates: rates);
    }

    /// <summary>Gets the optimizer, for checkpoints and for letting go of gradients.</summary>
    public FusedAdamW Optimizer { get; }

    /// <summary>Takes one step with the gradients that the parameters hold; letting go of them is the caller's.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <param name="loss">The loss that the gradients are of, where it is known.</param>
    /// <returns>The norm before clipping, and whether the weights moved: they stay where loss or norm is not finite.</returns>
    public UpdateOutcome Apply(double learningRate, double loss = 0)
    {
        _exchange?.Exchange(_parameters);
        double norm = !_options.ClipsInPlace ? Norm()
            : _options.ClipNorm > 0 ? nn.utils.clip_grad_norm_(_parameters, _options.ClipNorm)
            : double.NaN;
        bool isMeasured = !_options.ClipsInPlace || _options.ClipNorm > 0;
        if (!double.IsFinite(loss) || (isMeasured && !double.IsFinite(norm)))
        {
            return new UpdateOutcome(norm, Moved: false);
        }

        Optimizer.Step(learningRate, !_options.ClipsInPlace && _options.ClipNorm > 0 ? Math.Max(1, norm / _options.ClipNorm) : 1);
        return new UpdateOutcome(norm, Moved: true);
    }

    /// <inheritdoc/>
    public void Dispose() => Optimizer.Dispose();

    private double Norm()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] norms = [.. _parameters.Select(parameter => parameter.grad).OfType<Tensor>().Select(gradient => gradient.norm())];
        return norms.Length == 0 ? 0 : stack(norms).to_type(ScalarType.Float32).norm().item<float>();
    }
}

/// <summary>What an update did.</summary>
/// <param name="Norm">The norm of the gradient before clipping, NaN where it was not measured.</param>
/// <param name="Moved">Whether the weights moved.</param>
internal readonly record struct UpdateOutcome(double Norm, bool Moved);
