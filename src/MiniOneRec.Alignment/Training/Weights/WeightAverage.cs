using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>An exponential moving average of the weights.</summary>
/// <remarks>The decay grows from 0.1 to its final value over the first steps, so that the average forgets the initial weights.</remarks>
internal sealed class WeightAverage : IDisposable
{
    private readonly Parameter[] _parameters;
    private readonly Tensor[] _average;
    private readonly double _decay;

    public WeightAverage(IReadOnlyList<Parameter> parameters, double decay)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        _parameters = [.. parameters];
        _average = [.. parameters.Select(p => p.detach().to(ScalarType.Float32, copy: true).DetachFromDisposeScope())];
        _decay = decay;
    }

    /// <summary>Gets the averages, in the order of the parameters.</summary>
    public IReadOnlyList<Tensor> Values => _average;

    /// <summary>Moves the average towards the weights.</summary>
    /// <param name="step">Steps taken, from 1.</param>
    public void Update(long step)
    {
        using var _ = no_grad();
        using var scope = NewDisposeScope();
        double share = 1 - Math.Min(_decay, step / (step + 9.0));
        for (int i = 0; i < _average.Length; i++)
        {
            _average[i].lerp_(_parameters[i].to_type(ScalarType.Float32), share);
        }
    }

    public void Dispose()
    {
        foreach (var tensor in _average)
        {
            tensor.Dispose();
        }
    }
}
