using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Keeps the weights that did best in validation: in files where there is a folder, else the best one in memory.</summary>
internal sealed class BestWeights(int capacity, CheckpointFolder? folder, Func<double, double, bool> isBetter) : IDisposable
{
    private readonly List<KeptWeights> _kept = [];
    private WeightCopy? _copy;

    /// <summary>Gets what is kept, best first.</summary>
    public IReadOnlyList<KeptWeights> Kept => _kept;

    /// <summary>Gets the best, or <see langword="null"/> before the first validation.</summary>
    public KeptWeights? Best => _kept.Count == 0 ? null : _kept[0];

    /// <summary>Continues with what an earlier part of the run kept.</summary>
    public void Restore(IEnumerable<KeptWeights> kept) => _kept.AddRange(kept);

    /// <summary>Takes weights that were measured.</summary>
    /// <returns>Whether they are the best so far.</returns>
    public bool Offer(long step, double value, IReadOnlyList<(string Name, Tensor Value)> weights)
    {
        int place = _kept.FindIndex(kept => isBetter(value, kept.Value));
        place = place < 0 ? _kept.Count : place;
        if (place >= capacity || !double.IsFinite(value))
        {
            return false;
        }

        string? hash = null;
        if (folder is not null)
        {
            hash = folder.SaveBest(step, weights);
        }
        else
        {
            _copy?.Dispose();
            _copy = WeightCopy.Of([.. weights.Select(pair => pair.Value)]);
        }

        _kept.Insert(place, new KeptWeights(step, value, hash));
        if (_kept.Count > capacity)
        {
            _kept.RemoveAt(capacity);
        }

        return place == 0;
    }

    /// <summary>Copies the best weights into tensors of the same names.</summary>
    public void CopyTo(IReadOnlyList<(string Name, Tensor Value)> weights)
    {
        if (folder is not null)
        {
            folder.LoadBest(Best!, weights);
            return;
        }

        using var noGrad = no_grad();
        foreach (var ((_, target), value) in weights.Zip(_copy!.Values))
        {
            target.copy_(value);
        }
    }

    public void Dispose() => _copy?.Dispose();
}
