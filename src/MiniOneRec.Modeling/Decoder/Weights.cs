using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Fresh parameters that belong to their module, whatever dispose scope is open where the module is made.</summary>
internal static class Weights
{
    [ThreadStatic]
    private static ScalarType? s_typeWithoutMemory;

    /// <summary>Until disposed, parameters made on this thread have shape and type but no memory, for stored weights to take their
    /// place.</summary>
    public static IDisposable WithoutMemory(ScalarType type)
    {
        s_typeWithoutMemory = type;
        return new MemoryAgain();
    }

    /// <summary>Draws from N(0, σ²).</summary>
    public static Parameter Normal(double deviation, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return Own(nn.Parameter(s_typeWithoutMemory is { } type ? Placeholder(type, shape) : randn(shape).mul_(Scalars.Of(deviation))));
    }

    /// <summary>Fills with one value.</summary>
    public static Parameter Filled(double value, params long[] shape)
    {
        using var scope = NewDisposeScope();
        return Own(nn.Parameter(s_typeWithoutMemory is { } type ? Placeholder(type, shape) : full(shape, Scalars.Of(value))));
    }

    private static Parameter Own(Parameter parameter)
    {
        parameter.DetachFromDisposeScope();
        return parameter;
    }

    private static Tensor Placeholder(ScalarType type, long[] shape) => empty(1, dtype: type).expand(shape);

    private sealed class MemoryAgain : IDisposable
    {
        public void Dispose() => s_typeWithoutMemory = null;
    }
}
