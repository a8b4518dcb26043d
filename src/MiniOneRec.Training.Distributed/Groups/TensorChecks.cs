using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>What process groups require of tensors.</summary>
internal static class TensorChecks
{
    public static void Contiguous(Tensor tensor)
    {
        ArgumentNullException.ThrowIfNull(tensor);
        if (!tensor.is_contiguous())
        {
            throw new ArgumentException($"The tensor {Describe(tensor)} is not contiguous.", nameof(tensor));
        }
    }

    public static void Summable(Tensor tensor)
    {
        Contiguous(tensor);
        if (tensor.dtype is not (ScalarType.Float32 or ScalarType.BFloat16))
        {
            throw new ArgumentException($"Sums are of Float32 or BFloat16, not of {Describe(tensor)}.", nameof(tensor));
        }
    }

    public static void Parts(Tensor part, Tensor whole, int size)
    {
        Contiguous(part);
        Contiguous(whole);
        if (whole.numel() != part.numel() * size || whole.dtype != part.dtype)
        {
            throw new ArgumentException(
                $"{size} processes need a whole of {size} times the part's values and of its type, "
                + $"not {Describe(whole)} for {Describe(part)}.",
                nameof(whole));
        }
    }

    public static void Root(int root, int size)
    {
        if (root < 0 || root >= size)
        {
            throw new ArgumentOutOfRangeException(nameof(root), root, $"The root must be a rank from 0 to {size - 1}.");
        }
    }

    private static string Describe(Tensor tensor) => $"{tensor.dtype} [{string.Join(", ", tensor.shape)}]";
}
