using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <content>The dense head.</content>
public sealed partial class ContentModule
{
    /// <summary>Computes the query of each token: what the user may want after it.</summary>
    /// <param name="hidden">Hidden states of the tokens, <c>[M, D]</c>, or <see langword="null"/> for a query without them.</param>
    /// <param name="rows">The items of the batch that the tokens stand in.</param>
    /// <param name="tokens">The packed tokens, M of them.</param>
    /// <param name="dropout">The dropout rate on m and l.</param>
    /// <returns><c>[M, E]</c> float32.</returns>
    internal Tensor Queries(Tensor? hidden, HistoryRows rows, IReadOnlyList<int> tokens, double dropout = 0)
    {
        using var scope = NewDisposeScope();
        int most = Options.HistoryItems, count = tokens.Count;
        long[] items = new long[count * most], last = new long[count];
        float[] weights = new float[count * most], hasLast = new float[count];
        var nodes = new List<int>();
        for (int m = 0; m < count; m++)
        {
            rows.Before(tokens[m], _newestFirst ? int.MaxValue : most, nodes);
            if (_newestFirst)
            {
                nodes.Reverse();
            }

            int length = Math.Min(most, nodes.Count);
            double sum = 0;
            for (int age = 0; age < length; age++)
            {
                sum += Math.Exp(-Options.DecayRate * age);
            }

            for (int age = 0; age < length; age++)
            {
                items[m * most + age] = _leafRows[nodes[age]];
                weights[m * most + age] = (float)(Math.Exp(-Options.DecayRate * age) / sum);
            }

            (last[m], hasLast[m]) = length > 0 ? (_leafRows[nodes[0]], 1) : (0, 0);
        }

        var device = _leafVectors.device;
        var history = _leafVectors.index_select(0, Longs(items)).view(count, most, Content.Width);                  // [M, K, E]
        var mean = bmm(tensor(weights, [count, 1, most], device: device), history).squeeze(1);                      // [M, E]
        var latest = _leafVectors.index_select(0, Longs(last)) * tensor(hasLast, [count, 1], device: device);       // [M, E]
        if (dropout > 0)
        {
            (mean, latest) = (F.dropout(mean, dropout), F.dropout(latest, dropout));
        }

        var query = F.linear(mean, _mean!).Plus(F.linear(latest, _last!));                                          // [M, E]
        return (hidden is null ? query : query.Plus(F.linear(hidden.to_type(ScalarType.Float32), _hidden!))).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the logits of all items.</summary>
    /// <param name="queries"><c>[M, E]</c>.</param>
    /// <returns><c>[M, N]</c>.</returns>
    internal Tensor Logits(Tensor queries)
    {
        using var scope = NewDisposeScope();
        var scaled = queries * _scale!;                                                                             // [M, E]
        var logits = is_grad_enabled() ? F.linear(scaled, _vectors, _bias) : CpuLinear.Run(scaled, _vectors, _bias); // [M, N]
        return (_residual is null ? logits : logits.Plus(F.linear(scaled, _residual))).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the logits of some items.</summary>
    /// <param name="queries"><c>[M, E]</c>.</param>
    /// <param name="items">Rows, <c>[S]</c> int64, the same for all queries.</param>
    /// <returns><c>[M, S]</c>.</returns>
    internal Tensor Logits(Tensor queries, Tensor items)
    {
        using var scope = NewDisposeScope();
        var vectors = _vectors.index_select(0, items);                                                              // [S, E]
        if (_residual is not null)
        {
            vectors = vectors.Plus(_residual.index_select(0, items));
        }

        return (F.linear(queries, vectors) * _scale!).Plus(_bias!.index_select(0, items)).MoveToOuterDisposeScope();
    }

    /// <summary>Gets whether the hidden state says anything in the dense head.</summary>
    internal bool ReadsHidden()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return _hidden!.abs().amax([0, 1]).item<float>() > 0;
    }

    /// <summary>Gets the rows that training may predict beside its targets, or <see langword="null"/> where that is all of them.</summary>
    internal IReadOnlyList<int>? Offered => _offered;

    /// <summary>Frees what training keeps of products with the vectors.</summary>
    internal void ForgetProducts()
    {
        _product?.Dispose();
        _product = null;
    }

    /// <summary>Gets what the dense loss needs of some items.</summary>
    /// <param name="items">Rows that hold at least <see cref="Offered"/>, in ascending order, or <see langword="null"/> where all are on
    /// offer.</param>
    /// <param name="type">The type of the products.</param>
    internal DenseHead HeadOf(int[]? items, ScalarType type)
    {
        Tensor? rows = items is null ? null : tensor([.. items.Select(item => (long)item)], device: _vectors.device);
        Tensor Of(Tensor value) => rows is null ? value.alias() : value.index_select(0, rows);
        bool keeps = items?.Length == _offered?.Length;
        var plain = keeps ? Kept(rows, type) : new CatalogueProduct(Of(_vectors), type);
        var residual = _residual is null ? null : Of(_residual);
        return new DenseHead
        {
            Bias = Of(_bias!),
            Residual = residual,
            Scale = _scale!.alias(),
            Plain = plain,
            Product = residual is null ? plain : new CatalogueProduct(Of(_vectors).Plus(residual.detach()), type),
            NeighbourBias = _neighbourBias is null ? null : Of(_neighbourBias),
            NeighbourScale = _neighbourScale?.alias(),
            OwnsPlain = !keeps,
        };
    }

    // The products with the vectors of the items on offer; they stay until ForgetProducts.
    private CatalogueProduct Kept(Tensor? rows, ScalarType type)
    {
        if (_product?.Type != type)
        {
            ForgetProducts();
        }

        return _product ??= rows is null ? new CatalogueProduct(_vectors, type)
            : new CatalogueProduct(_vectors.index_select(0, rows).DetachFromDisposeScope(), type) { OwnsVectors = true };
    }
}
