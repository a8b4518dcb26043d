using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>A copy of weights that can be put back.</summary>
internal sealed class WeightCopy : IDisposable
{
    private readonly Tensor[] _values;

    private WeightCopy(Tensor[] values) => _values = values;

    /// <summary>Gets the values, in the order of the weights.</summary>
    public IReadOnlyList<Tensor> Values => _values;

    /// <summary>Copies weights.</summary>
    public static WeightCopy Of(IReadOnlyList<Tensor> weights)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return new WeightCopy([.. weights.Select(w => w.detach().clone().DetachFromDisposeScope())]);
    }

    /// <summary>Copies the weights again, into the same memory.</summary>
    public void Renew(IReadOnlyList<Tensor> weights)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        for (int i = 0; i < _values.Length; i++)
        {
            _values[i].copy_(weights[i]);
        }
    }

    /// <summary>Overwrites parameters with values, in place.</summary>
    public static void Put(IReadOnlyList<Parameter> parameters, IReadOnlyList<Tensor> values)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        for (int i = 0; i < parameters.Count; i++)
        {
            parameters[i].copy_(values[i]);
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var tensor in _values)
        {
            tensor.Dispose();
        }
    }
}
