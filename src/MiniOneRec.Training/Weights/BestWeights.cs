using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>Keeps the weights that did best in validation.</summary>
/// <param name="capacity">How many are kept.</param>
/// <param name="isBetter">Whether the first figure is better than the second.</param>
/// <param name="store">Where they are put, by default memory; not owned.</param>
internal sealed class BestWeights(int capacity, Func<double, double, bool> isBetter, IWeightStore? store = null) : IDisposable
{
    private readonly List<KeptWeights> _kept = [];
    private readonly MemoryWeights? _memory = store is null ? new MemoryWeights() : null;

    /// <summary>Gets the kept weights, best first.</summary>
    public IReadOnlyList<KeptWeights> Kept => _kept;

    /// <summary>Gets the best, or <see langword="null"/> before the first validation.</summary>
    public KeptWeights? Best => _kept.Count == 0 ? null : _kept[0];

    private IWeightStore Store => store ?? _memory!;

    /// <summary>Continues with what an earlier part of the run kept.</summary>
    public void Restore(IEnumerable<KeptWeights> kept) => _kept.AddRange(kept);

    /// <summary>Takes weights that were measured; figures that are not finite are never kept.</summary>
    /// <returns>Whether they are the best so far.</returns>
    public bool Offer(long step, double value, IReadOnlyList<StatePart> weights)
    {
        int place = _kept.FindIndex(kept => isBetter(value, kept.Value));
        place = place < 0 ? _kept.Count : place;
        if (place >= capacity || !double.IsFinite(value))
        {
            return false;
        }

        _kept.Insert(place, new KeptWeights(step, value, Store.Save(step, weights)));
        if (_kept.Count > capacity)
        {
            Store.Forget(_kept[capacity]);
            _kept.RemoveAt(capacity);
        }

        return place == 0;
    }

    /// <summary>Copies the best weights into tensors of the same names and order.</summary>
    public void CopyTo(IReadOnlyList<StatePart> weights)
    {
        using var noGrad = no_grad();
        Store.Load(Best ?? throw new InvalidOperationException("No weights were kept."), weights);
    }

    /// <inheritdoc/>
    public void Dispose() => _memory?.Dispose();

    private sealed class MemoryWeights : IWeightStore, IDisposable
    {
        private readonly Dictionary<long, WeightCopy> _copies = [];

        public string? Save(long step, IReadOnlyList<StatePart> weights)
        {
            _copies[step] = WeightCopy.Of([.. weights.Select(pair => pair.Value)]);
            return null;
        }

        public void Load(KeptWeights kept, IReadOnlyList<StatePart> weights)
        {
            using var scope = NewDisposeScope();
            foreach (var (target, value) in weights.Zip(_copies[kept.Step].Values))
            {
                target.Value.copy_(value);
            }
        }

        public void Forget(KeptWeights kept)
        {
            if (_copies.Remove(kept.Step, out var copy))
            {
                copy.Dispose();
            }
        }

        public void Dispose()
        {
            foreach (var copy in _copies.Values)
            {
                copy.Dispose();
            }
        }
    }
}
