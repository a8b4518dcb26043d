using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>Consecutive values of a tensor that the next steps of a run depend on; where processes divide the state, each has its
/// own.</summary>
/// <param name="Name">The tensor's name.</param>
/// <param name="Value">The values.</param>
/// <param name="Shape">The shape of the whole tensor.</param>
/// <param name="At">The first value, counted in the flat tensor.</param>
internal readonly record struct StatePart(string Name, Tensor Value, IReadOnlyList<long> Shape, long At = 0)
{
    /// <summary>Gets the number of values of the whole tensor.</summary>
    public long Size => Shape.Aggregate(1L, (product, size) => product * size);

    /// <summary>Makes the part of a tensor that is all of it.</summary>
    public static implicit operator StatePart((string Name, Tensor Value) whole) => new(whole.Name, whole.Value, whole.Value.shape);

    /// <summary>Copies its values out of the whole tensor.</summary>
    public void CopyFrom(Tensor whole)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Value.copy_(whole.reshape(-1).narrow(0, At, Value.numel()).view(Value.shape));
    }

    /// <summary>Copies its values into the whole tensor.</summary>
    public void CopyTo(Tensor whole)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        whole.view(-1).narrow(0, At, Value.numel()).copy_(Value.reshape(-1));
    }
}
