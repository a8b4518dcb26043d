using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Fresh parameters that belong to their module, whatever dispose scope is open where the module is made.</summary>
internal static class Weights
{
    /// <summary>Draws from N(0, σ²).</summary>
    public static Parameter Normal(double deviation, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return Own(nn.Parameter(randn(shape).mul_(deviation)));
    }

    /// <summary>Fills with one value.</summary>
    public static Parameter Filled(double value, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return Own(nn.Parameter(full(shape, value)));
    }

    private static Parameter Own(Parameter parameter)
    {
        parameter.DetachFromDisposeScope();
        return parameter;
    }
}
