using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using TorchSharp.Utils;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <content>The part of the dense head in which each item of the history speaks for itself.</content>
public sealed partial class ContentModule
{
    // Far below any log-share, and finite: a sum of exponentials over nothing else keeps a gradient.
    private const float Nothing = -1e9f;

    [ComponentName(Name = "neighbour_map")]
    private Parameter? _neighbourMap;

    [ComponentName(Name = "neighbour_scale")]
    private Parameter? _neighbourScale;

    [ComponentName(Name = "neighbour_bias")]
    private Parameter? _neighbourBias;

    [ComponentName(Name = "neighbour_ages")]
    private Parameter? _neighbourAges;

    [ComponentName(Name = "neighbour_gate")]
    private Parameter? _neighbourGate;

    /// <summary>Gets whether the dense head has a softmax for each item of the history beside that of the query.</summary>
    internal bool HasNeighbours => _neighbourMap is not null;

    private void MakeNeighbours(IReadOnlyDictionary<string, double>? counts)
    {
        double share = Options.NeighbourShare;
        if (!Options.DenseHead || share == 0)
        {
            return;
        }

        _neighbourMap = Identity(1);
        _neighbourScale = Weights.Filled(Options.NeighbourScale, 1);
        _neighbourBias = Own(Popularity(counts));
        _neighbourAges = Own(tensor([.. Enumerable.Range(0, Options.HistoryItems).Select(age => (float)-age)]));
        _neighbourGate = Weights.Filled(Math.Log(share / (1 - share)), 1);
    }

    /// <summary>Finds what the items of the histories say: a softmax over the catalogue for each distinct one, and its share in each
    /// token's mixture.</summary>
    /// <param name="rows">The items of the batch that the tokens stand in.</param>
    /// <param name="tokens">The packed tokens, M of them.</param>
    /// <param name="dropout">The dropout rate on the items' vectors.</param>
    /// <returns><see langword="null"/> where the head has no such part.</returns>
    internal NeighbourParts? Neighbours(HistoryRows rows, IReadOnlyList<int> tokens, double dropout = 0)
    {
        if (_neighbourMap is null)
        {
            return null;
        }

        int most = Options.HistoryItems, count = tokens.Count;
        var places = new Dictionary<int, int>();
        var nodes = new List<int>();
        long[] at = new long[count * most];
        float[] known = new float[at.Length], any = new float[count];
        Array.Fill(known, Nothing);
        for (int m = 0; m < count; m++)
        {
            Newest(rows, tokens[m], most, nodes);
            for (int age = 0; age < Math.Min(most, nodes.Count); age++)
            {
                int leaf = _leafRows[nodes[age]];
                if (!places.TryGetValue(leaf, out int place))
                {
                    places[leaf] = place = places.Count;
                }

                (at[m * most + age], known[m * most + age], any[m]) = (place, 0, 1);
            }
        }

        if (places.Count == 0)
        {
            places[0] = 0;                                      // no token has a history: the part has no share anywhere
        }

        using var scope = NewDisposeScope();
        var device = _leafVectors.device;
        var vectors = _leafVectors.index_select(0, Longs([.. places.Keys.Select(leaf => (long)leaf)]));            // [S, E]
        var queries = F.linear(dropout > 0 ? F.dropout(vectors, dropout) : vectors, _neighbourMap);                // [S, E]
        var ages = _neighbourAges!.unsqueeze(0).Plus(tensor(known, [count, most], device: device)).log_softmax(1); // [M, K]
        var has = tensor(any, [count, 1], device: device);
        var none = tensor([.. any.Select(value => value == 0 ? Nothing : 0)], [count, 1], device: device);
        var share = (F.logsigmoid(_neighbourGate!) * has).Plus(none);                                              // [M, 1]
        var shares = ages.Plus(share).clamp_min(Scalars.Of(Nothing));                                              // [M, K]
        var rest = F.logsigmoid(_neighbourGate!.neg()) * has.squeeze(1);                                           // [M]
        return new NeighbourParts(
            queries.MoveToOuterDisposeScope(), tensor(at, [count, most], device: device).MoveToOuterDisposeScope(),
            shares.MoveToOuterDisposeScope(), rest.MoveToOuterDisposeScope());
    }

    /// <summary>Computes the logits of all items, or of some, by single items of the history.</summary>
    /// <param name="queries"><c>[S, E]</c>, of <see cref="Neighbours"/>.</param>
    /// <param name="items">Rows, <c>[R]</c> int64, or <see langword="null"/> for all.</param>
    /// <returns><c>[S, N]</c> or <c>[S, R]</c>.</returns>
    internal Tensor NeighbourLogits(Tensor queries, Tensor? items = null)
    {
        using var scope = NewDisposeScope();
        var (vectors, bias) = items is null
            ? (_vectors, (Tensor)_neighbourBias!) : (_vectors.index_select(0, items), _neighbourBias!.index_select(0, items));
        return (F.linear(queries, vectors) * _neighbourScale!).Plus(bias).MoveToOuterDisposeScope();
    }

    private void Newest(HistoryRows rows, int token, int most, List<int> nodes)
    {
        rows.Before(token, _newestFirst ? int.MaxValue : most, nodes);
        if (_newestFirst)
        {
            nodes.Reverse();
        }
    }
}

/// <summary>What the items of histories say, beside the query of each token.</summary>
/// <param name="Queries"><c>[S, E]</c>, one for each distinct item.</param>
/// <param name="At">Which of the S each history holds, the last one first, <c>[M, K]</c> int64.</param>
/// <param name="LogShares">The logarithm of their shares, <c>[M, K]</c>; next to nothing where a history is shorter.</param>
/// <param name="LogRest">The logarithm of the query's share, <c>[M]</c>; 0 where there is no history.</param>
internal sealed record NeighbourParts(Tensor Queries, Tensor At, Tensor LogShares, Tensor LogRest);
