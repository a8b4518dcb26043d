using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>AdamW by libtorch's fused kernel, with parameter groups and a state that can be saved and restored.</summary>
/// <remarks>Loshchilov and Hutter (arXiv:1711.05101), Algorithm 2. Decay is decoupled and multiplied by the learning rate.</remarks>
internal sealed class FusedAdamW : IDisposable
{
    private readonly Group[] _groups;
    private readonly double[] _rates;
    private readonly double _beta1;
    private readonly double _beta2;
    private readonly double _epsilon;
    private readonly Tensor _step;

    /// <param name="groups">Parameters with the weight decay of each group.</param>
    /// <param name="beta1">Decay of the first moment.</param>
    /// <param name="beta2">Decay of the second moment.</param>
    /// <param name="epsilon">Added to the root of the second moment.</param>
    /// <param name="rates">Multiplies the learning rate of each group, or <see langword="null"/> for 1.</param>
    public FusedAdamW(
        IEnumerable<(IReadOnlyList<Parameter> Parameters, double WeightDecay)> groups, double beta1 = 0.9, double beta2 = 0.999,
        double epsilon = 1e-8,
        IReadOnlyList<double>? rates = null)
    {
        (_beta1, _beta2, _epsilon) = (beta1, beta2, epsilon);
        using var _ = no_grad();
        var all = groups.ToArray();
        _rates = [.. Enumerable.Range(0, all.Length).Where(g => all[g].Parameters.Count > 0).Select(g => rates?[g] ?? 1)];
        _groups = [.. all.Where(g => g.Parameters.Count > 0).Select(g => new Group(
            [.. g.Parameters],
            [.. g.Parameters.Select(p => zeros_like(p).DetachFromDisposeScope())],
            [.. g.Parameters.Select(p => zeros_like(p).DetachFromDisposeScope())],
            g.WeightDecay))];
        var device = _groups.Length > 0 ? _groups[0].Parameters[0].device : CPU;
        _step = zeros([], dtype: ScalarType.Float32, device: device).DetachFromDisposeScope();
    }

    /// <summary>Gets or sets the number of steps taken.</summary>
    public long Steps { get; private set; }

    /// <summary>Gets the state tensors by name, for checkpoints; they alias the optimizer's own.</summary>
    public IEnumerable<(string Name, Tensor Value)> State()
    {
        for (int g = 0; g < _groups.Length; g++)
        {
            for (int i = 0; i < _groups[g].Parameters.Length; i++)
            {
                yield return ($"exp_avg.{g}.{i}", _groups[g].First[i]);
                yield return ($"exp_avg_sq.{g}.{i}", _groups[g].Second[i]);
            }
        }
    }

    /// <summary>Restores the number of steps after the state tensors were copied in place.</summary>
    public void RestoreSteps(long steps)
    {
        using var _ = no_grad();
        Steps = steps;
        _step.fill_(Scalars.Of(steps));
    }

    /// <summary>Takes one step with the gradients that the parameters hold; parameters without one are left alone.</summary>
    /// <param name="learningRate">The learning rate of this step.</param>
    /// <param name="gradientDivisor">Divides the gradients first, within the same pass over memory; clipping by norm is such a
    /// division.</param>
    public void Step(double learningRate, double gradientDivisor = 1)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        var divisor = gradientDivisor == 1 ? null : full([], Scalars.Of(gradientDivisor), dtype: ScalarType.Float32, device: _step.device);
        _step.fill_(Scalars.Of(++Steps));
        foreach (var (group, rate) in _groups.Zip(_rates))
        {
            var gradients = new List<Tensor>(group.Parameters.Length);
            var parameters = new List<Tensor>(group.Parameters.Length);
            var first = new List<Tensor>(group.Parameters.Length);
            var second = new List<Tensor>(group.Parameters.Length);
            for (int i = 0; i < group.Parameters.Length; i++)
            {
                var gradient = group.Parameters[i].grad;
                if (gradient is not null)
                {
                    parameters.Add(group.Parameters[i]);
                    gradients.Add(gradient);
                    first.Add(group.First[i]);
                    second.Add(group.Second[i]);
                }
            }

            if (parameters.Count > 0)
            {
                Aten.FusedAdamW(parameters, gradients, first, second, _step, learningRate * rate, _beta1, _beta2, group.WeightDecay,
                    _epsilon, divisor);
            }
        }
    }

    /// <summary>Lets go of the gradients, so that the next backward pass hands over its own in place of adding to these.</summary>
    public void ForgetGradients()
    {
        foreach (var parameter in _groups.SelectMany(group => group.Parameters))
        {
            parameter.grad = null;
        }
    }

    /// <summary>Clears the gradients.</summary>
    public void ZeroGrad()
    {
        using var scope = NewDisposeScope();
        foreach (var group in _groups)
        {
            foreach (var parameter in group.Parameters)
            {
                parameter.grad?.zero_();
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _step.Dispose();
        foreach (var group in _groups)
        {
            foreach (var tensor in group.First.Concat(group.Second))
            {
                tensor.Dispose();
            }
        }
    }

    private sealed record Group(Parameter[] Parameters, Tensor[] First, Tensor[] Second, double WeightDecay);
}
