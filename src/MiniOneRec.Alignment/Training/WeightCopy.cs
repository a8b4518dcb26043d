using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>A copy of weights that can be put back.</summary>
internal sealed class WeightCopy : IDisposable
{
    private readonly Tensor[] _values;

    private WeightCopy(Tensor[] values) => _values = values;

    public IReadOnlyList<Tensor> Values => _values;

    public static WeightCopy Of(IReadOnlyList<Tensor> weights)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        return new WeightCopy([.. weights.Select(w => w.detach().clone().DetachFromDisposeScope())]);
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

    public void Dispose()
    {
        foreach (var tensor in _values)
        {
            tensor.Dispose();
        }
    }
}
