namespace MiniOneRec.Tokenization;

/// <summary>Dijkstra's search on a dense graph whose lengths are made non-negative by prices of the nodes.</summary>
/// <remarks>
/// Reduced length of an arc: length + price(to) − price(from). A search moves the prices by how far nodes are, so that reduced lengths stay
/// non-negative and the arcs of the path get 0.
/// </remarks>
internal sealed class ShortestPath(int nodes)
{
    private readonly double[] _distance = new double[nodes];
    private readonly double[] _length = new double[nodes];
    private readonly int[] _before = new int[nodes];
    private readonly bool[] _done = new bool[nodes];

    /// <summary>Fills in the lengths of the arcs from a node, infinite where there is none.</summary>
    public delegate void Arcs(int from, Span<double> lengths);

    /// <summary>Gets the node before one on the path found last.</summary>
    public int Before(int node) => _before[node];

    /// <summary>Finds the sink that is nearest to a source and moves the prices.</summary>
    /// <param name="source">Where the path begins.</param>
    /// <param name="isSink">Whether a path may end at a node.</param>
    /// <param name="arcs">The arcs.</param>
    /// <param name="price">The prices, moved.</param>
    /// <returns>The sink.</returns>
    public int Find(int source, Func<int, bool> isSink, Arcs arcs, double[] price)
    {
        int sink = Search(source, isSink, arcs, price);
        double reach = sink >= 0 ? _distance[sink]
            : throw new InvalidOperationException("The balanced assignment has no path left, although its bounds can be kept.");
        for (int other = 0; other < nodes; other++)
        {
            price[other] -= Math.Min(_distance[other], reach);
        }

        return sink;
    }

    /// <summary>Computes the reduced lengths of the shortest paths from a source to all nodes.</summary>
    public ReadOnlySpan<double> Lengths(int source, Arcs arcs, double[] price)
    {
        Search(source, _ => false, arcs, price);
        return _distance;
    }

    private int Search(int source, Func<int, bool> isSink, Arcs arcs, double[] price)
    {
        Array.Fill(_distance, double.PositiveInfinity);
        Array.Clear(_done);
        _distance[source] = 0;
        for (int node = source, next; node >= 0; node = next)
        {
            if (isSink(node))
            {
                return node;
            }

            _done[node] = true;
            arcs(node, _length);
            double reach = _distance[node], start = reach - price[node], nearest = double.PositiveInfinity;
            next = -1;
            for (int other = 0; other < nodes; other++)
            {
                if (_done[other])
                {
                    continue;
                }

                // Rounding may leave a reduced length a hair below 0.
                double through = Math.Max(start + _length[other] + price[other], reach);
                if (through < _distance[other])
                {
                    (_distance[other], _before[other]) = (through, node);
                }

                if (_distance[other] < nearest)
                {
                    (next, nearest) = (other, _distance[other]);
                }
            }
        }

        return -1;
    }
}
