using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>The part of <see cref="DenseSoftmax"/> in which each item of the histories has a softmax over the catalogue.</summary>
/// <remarks>Its tensors belong to the dispose scope in which it is made.</remarks>
internal sealed class ItemSoftmax
{
    private readonly CatalogueProduct _product;
    private readonly NeighbourParts _parts;
    private readonly double _smoothing;
    private readonly Tensor _scaled;                            // [S, E], with graph
    private readonly Tensor _bias;                              // [N], with graph
    private readonly Tensor _values;                            // [S, N]: log-probabilities, then their logits' gradient
    private readonly Tensor _places;                            // [M, K, most]: each target in the rows of its history
    private readonly Tensor _picked;                            // [M, K, most]
    private readonly Tensor _targets;                           // [M, K]
    private readonly Tensor _means;                             // [M, K]
    private readonly Tensor _shares;                            // [M, K], logarithms
    private readonly Tensor _rest;                              // [M], logarithms
    private readonly Tensor _byItem;                            // [M, K], responsibilities
    private readonly Tensor _byQuery;                           // [M], responsibilities
    private Tensor? _towardsQueries;
    private Tensor? _towardsBias;

    /// <param name="head">Vectors, biases and scale of the part.</param>
    /// <param name="parts">The items of the histories.</param>
    /// <param name="targets">The targets' columns.</param>
    /// <param name="smoothing">ε.</param>
    public ItemSoftmax(DenseHead head, NeighbourParts parts, TargetColumns targets, double smoothing)
    {
        (_product, _parts, _smoothing) = (head.Plain, parts, smoothing);
        var bias = head.NeighbourBias!;
        (_scaled, _bias) = (parts.Queries * head.NeighbourScale!, bias);
        using var noGrad = no_grad();
        _values = _product.TowardsItems(_scaled.detach(), bias).log_softmax(1);
        _places = (parts.At * Scalars.Of(bias.size(0))).unsqueeze(2).Plus(targets.At.unsqueeze(1));
        _picked = _values.view(-1).index_select(0, _places.flatten()).view(_places.shape).Plus(targets.Gaps.unsqueeze(1));
        _targets = _picked.logsumexp(2);
        _means = _values.mean([1]).index_select(0, parts.At.flatten()).view(parts.At.shape);
        (_shares, _rest) = (parts.LogShares.detach(), parts.LogRest.detach());
        (_byItem, _byQuery) = (zeros_like(_shares), zeros_like(_rest));
    }

    /// <summary>Mixes a block of the queries' softmaxes with those of the items.</summary>
    /// <param name="start">The first token.</param>
    /// <param name="target">The targets' log-probabilities by the queries, <c>[C]</c>.</param>
    /// <param name="mean">The mean log-probability of all items by the queries, <c>[C]</c>, or <see langword="null"/> without
    /// smoothing.</param>
    /// <returns>The summed loss; the queries' responsibilities and shares, <c>[C, 1]</c>.</returns>
    public (double Loss, Tensor Responsible, Tensor Share) Mix(long start, Tensor target, Tensor? mean)
    {
        long size = target.size(0);
        Tensor byItem = _targets.narrow(0, start, size).Plus(_shares.narrow(0, start, size)),
            byQuery = target.Plus(_rest.narrow(0, start, size));
        var total = cat([byQuery.unsqueeze(1), byItem], 1).logsumexp(1);                                            // [C]
        var responsible = (byQuery - total).exp();                                                                  // [C]
        var share = _rest.narrow(0, start, size).exp();                                                             // [C]
        _byQuery.narrow(0, start, size).copy_(responsible);
        _byItem.narrow(0, start, size).copy_((byItem - total.unsqueeze(1)).exp());
        double loss = -(1 - _smoothing) * total.sum().item<float>();
        if (mean is not null)
        {
            var items = _means.narrow(0, start, size) * _shares.narrow(0, start, size).exp();                        // [C, K]
            loss -= _smoothing * ((mean * share).sum().item<float>() + items.sum().item<float>());
        }

        return (loss, responsible.unsqueeze(1), share.unsqueeze(1));
    }

    /// <summary>Computes the gradient, after all blocks were mixed.</summary>
    public void Finish()
    {
        long all = _values.size(1);
        Tensor at = _parts.At.flatten(), shares = _shares.exp();
        Tensor ByRow(Tensor values) => zeros_like(_values.select(1, 0)).index_add_(0, at, values.flatten(), Scalars.Of(1)).unsqueeze(1);
        var weights = ByRow((_byItem * Scalars.Of(1 - _smoothing)).Plus(shares * Scalars.Of(_smoothing)));            // [S, 1]
        var evens = ByRow(shares * Scalars.Of(-_smoothing / all));                                                   // [S, 1]
        var own = (_picked - _targets.unsqueeze(2)).exp() * (_byItem * Scalars.Of(_smoothing - 1)).unsqueeze(2);     // [M, K, most]
        var gradient = _values.exp_().mul_(weights);
        gradient.view(-1).index_add_(0, _places.flatten(), own.flatten(), Scalars.Of(1));
        _towardsQueries = _product.Back(gradient).addmm_(evens, _product.Sum);                       // [S, E]
        _towardsBias = gradient.sum([0]).PlusInPlace(evens.sum());                                                  // [N]
    }

    /// <summary>Gets a scalar with the gradient of the loss towards queries, scale, biases and shares.</summary>
    public Tensor Surrogate()
    {
        var shares = (_parts.LogShares * _byItem).sum().Plus((_parts.LogRest * _byQuery).sum());
        return (_scaled * _towardsQueries!).sum().Plus((_bias * _towardsBias!).sum()).Plus(shares * Scalars.Of(_smoothing - 1));
    }
}
