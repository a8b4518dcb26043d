namespace MiniOneRec.Modeling;

/// <summary>Keeps the K best of many offers; of equal scores the earlier offer stays and comes first.</summary>
internal sealed class TopCandidates<T>
{
    private readonly int _capacity;
    private readonly List<(double Score, long Order, T Value)> _heap = [];      // the worst kept offer on top
    private long _offers;

    public TopCandidates(int capacity) => _capacity = capacity;

    public void Offer(double score, T value)
    {
        long order = _offers++;
        if (_heap.Count < _capacity)
        {
            _heap.Add((score, order, value));
            SiftUp(_heap.Count - 1);
        }
        else if (score > _heap[0].Score)
        {
            _heap[0] = (score, order, value);
            SiftDown(0);
        }
    }

    /// <summary>Returns the kept offers, best first, and forgets them.</summary>
    public List<(double Score, T Value)> Drain()
    {
        _heap.Sort(static (a, b) => a.Score != b.Score ? b.Score.CompareTo(a.Score) : a.Order.CompareTo(b.Order));
        var best = _heap.ConvertAll(static entry => (entry.Score, entry.Value));
        _heap.Clear();
        return best;
    }

    private bool Worse(int a, int b) =>
        _heap[a].Score < _heap[b].Score || (_heap[a].Score == _heap[b].Score && _heap[a].Order > _heap[b].Order);

    private void SiftUp(int at)
    {
        while (at > 0 && Worse(at, (at - 1) / 2))
        {
            (_heap[at], _heap[(at - 1) / 2]) = (_heap[(at - 1) / 2], _heap[at]);
            at = (at - 1) / 2;
        }
    }

    private void SiftDown(int at)
    {
        while (true)
        {
            int worst = at;
            for (int child = 2 * at + 1; child <= 2 * at + 2 && child < _heap.Count; child++)
            {
                worst = Worse(child, worst) ? child : worst;
            }

            if (worst == at)
            {
                return;
            }

            (_heap[at], _heap[worst]) = (_heap[worst], _heap[at]);
            at = worst;
        }
    }
}
