using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Shared;

/// <summary>Finds weights that are no finite numbers, so that they are neither saved nor kept.</summary>
internal static class FiniteWeights
{
    /// <summary>Gets the name of the first tensor with NaN or an infinity, or <see langword="null"/>.</summary>
    public static string? FirstBad(IEnumerable<(string Name, Tensor Value)> tensors)
    {
        using var noGrad = no_grad();
        foreach (var (name, value) in tensors)
        {
            using var scope = NewDisposeScope();
            if (value.is_floating_point() && value.numel() > 0 && !value.detach().isfinite().all().item<bool>())
            {
                return name;
            }
        }

        return null;
    }

    /// <summary>Throws where a tensor is not finite.</summary>
    /// <param name="tensors">The tensors by name.</param>
    /// <param name="what">What they belong to, to begin a sentence.</param>
    /// <exception cref="InvalidOperationException">A tensor holds NaN or an infinity.</exception>
    public static void Require(IEnumerable<(string Name, Tensor Value)> tensors, string what)
    {
        if (FirstBad(tensors) is { } name)
        {
            throw new InvalidOperationException($"{what} was not saved: '{name}' holds a number that is not finite.");
        }
    }
}
