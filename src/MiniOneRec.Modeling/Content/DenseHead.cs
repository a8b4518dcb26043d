using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The dense head over R items, as its loss needs it. Tensors belong to the dispose scope in which it is made.</summary>
internal sealed record DenseHead : IDisposable
{
    /// <summary>Gets the biases with gradient, <c>[R]</c>.</summary>
    public required Tensor Bias { get; init; }

    /// <summary>Gets the residuals of the items' vectors with gradient, <c>[R, E]</c>, or <see langword="null"/>.</summary>
    public required Tensor? Residual { get; init; }

    /// <summary>Gets the scale, <c>[1]</c>.</summary>
    public required Tensor Scale { get; init; }

    /// <summary>Gets the products with the vectors and residuals.</summary>
    public required CatalogueProduct Product { get; init; }

    /// <summary>Gets the products with the vectors alone.</summary>
    public required CatalogueProduct Plain { get; init; }

    /// <summary>Gets the biases of the part of the histories' items with gradient, <c>[R]</c>, or <see langword="null"/>.</summary>
    public required Tensor? NeighbourBias { get; init; }

    /// <summary>Gets their scale, <c>[1]</c>.</summary>
    public required Tensor? NeighbourScale { get; init; }

    /// <summary>Gets whether <see cref="Plain"/> is for this loss alone.</summary>
    public required bool OwnsPlain { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Product != Plain)
        {
            Product.Dispose();
        }

        if (OwnsPlain)
        {
            Plain.Dispose();
        }
    }
}
