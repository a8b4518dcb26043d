using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>The type in which a model computes during a run. Values that the change would round are kept in float32.</summary>
internal sealed class ModelPrecision : IDisposable
{
    private readonly nn.Module _model;
    private readonly ScalarType _original;
    private readonly Dictionary<string, Tensor> _exact = [];
    private bool _changed;

    /// <summary>Changes the type of a model's weights.</summary>
    /// <param name="model">The model.</param>
    /// <param name="original">The type that it has.</param>
    /// <param name="compute">The type in which it is to compute.</param>
    public ModelPrecision(nn.Module model, ScalarType original, ScalarType compute)
    {
        (_model, _original, Compute, _changed) = (model, original, compute, compute != original);
        if (!_changed)
        {
            return;
        }

        using var noGrad = no_grad();
        foreach (var (name, parameter) in compute == ScalarType.Float32 ? [] : model.named_parameters())
        {
            _exact[name] = CloneOf(parameter);
        }

        model.to(compute);
    }

    /// <summary>Gets the type in which the model computes.</summary>
    public ScalarType Compute { get; }

    /// <summary>Gets the exact values that were not taken, by name: those of the frozen weights.</summary>
    public IEnumerable<(string Name, Tensor Value)> Kept => _exact.Select(pair => (pair.Key, pair.Value));

    /// <summary>Hands over the float32 value of a weight as it was before the change.</summary>
    /// <param name="name">The weight's name.</param>
    /// <param name="present">Its present value, which is copied where no exact one is kept.</param>
    public Tensor Take(string name, Tensor present) => _exact.Remove(name, out var value) ? value : CloneOf(present);

    /// <summary>Gives the model its type back; the exact values are the caller's to restore.</summary>
    /// <returns>Whether it had another one.</returns>
    public bool Return()
    {
        if (!_changed)
        {
            return false;
        }

        using var noGrad = no_grad();
        _model.to(_original);
        _changed = false;
        return true;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var value in _exact.Values)
        {
            value.Dispose();
        }
    }

    private static Tensor CloneOf(Tensor value)
    {
        using var scope = NewDisposeScope();
        return value.detach().to(ScalarType.Float32, copy: true).DetachFromDisposeScope();
    }
}
