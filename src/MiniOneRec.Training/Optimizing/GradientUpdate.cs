using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>Moves weights by their gradients: exchange, norm, check, clipping, AdamW.</summary>
internal sealed class GradientUpdate : IWeightUpdate
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
        var groups = UpdateGroups.Of(_parameters, options, slow);
        Optimizer = new FusedAdamW(groups.Groups, beta2: options.Beta2, rates: groups.Rates);
    }

    /// <summary>Gets the optimizer, for checkpoints and for letting go of gradients.</summary>
    public FusedAdamW Optimizer { get; }

    /// <inheritdoc/>
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
    public IReadOnlyList<Parameter> Moved => _parameters;

    /// <inheritdoc/>
    public IReadOnlyList<StatePart> PartsOf(IReadOnlyList<string> names, IReadOnlyList<Tensor> values) =>
        [.. names.Zip(values, (name, value) => (StatePart)(name, value))];

    /// <inheritdoc/>
    public IReadOnlyList<StatePart> State() => [.. Optimizer.State()];

    /// <inheritdoc/>
    public void Publish()
    {
    }

    /// <inheritdoc/>
    public void RestoreSteps(long steps) => Optimizer.RestoreSteps(steps);

    /// <inheritdoc/>
    public void Collect()
    {
    }

    /// <inheritdoc/>
    public void Idle()
    {
    }

    /// <inheritdoc/>
    public IDisposable? HoldWhole() => null;

    /// <inheritdoc/>
    public void GiveBack()
    {
    }

    /// <inheritdoc/>
    public IBlockObserver? Observe(bool isLast) => isLast ? (_exchange as IEarlyExchange)?.Observe() : null;

    /// <inheritdoc/>
    public void SendRest() => (_exchange as IEarlyExchange)?.Observe()?.Complete(int.MinValue);

    /// <inheritdoc/>
    public void ZeroGrad() => Optimizer.ZeroGrad();

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
