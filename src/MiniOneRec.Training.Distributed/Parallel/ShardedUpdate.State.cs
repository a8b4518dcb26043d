using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <content>What this process keeps, and under which names.</content>
internal sealed partial class ShardedUpdate
{
    /// <inheritdoc/>
    public IReadOnlyList<StatePart> State() =>
    [
        .. _slices.SelectMany(slice => (StatePart[])
        [
            Part(slice, _names[(slice.Piece.Parameter, false)], slice.First),
            Part(slice, _names[(slice.Piece.Parameter, true)], slice.Second),
        ]),
    ];

    /// <inheritdoc/>
    public IReadOnlyList<StatePart> PartsOf(IReadOnlyList<string> names, IReadOnlyList<Tensor> values) =>
        [.. _slices.Zip(values, (slice, value) => Part(slice, names[slice.Piece.Parameter], value))];

    private StatePart Part(ShardSlice slice, string name, Tensor value) => new(name, value, _shapes[slice.Piece.Parameter], slice.Piece.At);

    // The names of a single process's state.
    private void Name(int[][] members)
    {
        foreach (var (of, group) in members.Where(of => of.Length > 0).Select((of, group) => (of, group)))
        {
            for (int i = 0; i < of.Length; i++)
            {
                _names[(of[i], false)] = $"exp_avg.{group}.{i}";
                _names[(of[i], true)] = $"exp_avg_sq.{group}.{i}";
            }
        }
    }

    private ShardSlice[] Slices(Func<int, Tensor>? exact)
    {
        var pieces = _layout.Buckets
            .SelectMany((bucket, number) => bucket.Owned[_parallel.Group.Rank].Select(piece => (number, piece)))
            .ToLookup(pair => pair.piece.Parameter);
        var slices = new List<ShardSlice>();
        for (int i = 0; i < _parameters.Length; i++)
        {
            using var scope = NewDisposeScope();
            bool isCopy = exact is not null && _parameters[i].dtype != ScalarType.Float32;
            var whole = isCopy ? exact!(i) : _parameters[i].detach();
            slices.AddRange(pieces[i].Select(pair => new ShardSlice(
                pair.number, pair.piece, !isCopy && _weights?.ShareOf(pair.number) is { } share
                    ? Cut(share, pair.piece.Place, pair.piece.Count, false) : Cut(whole, pair.piece.At, pair.piece.Count, isCopy),
                isCopy)));
            if (isCopy)
            {
                whole.Dispose();
            }
        }

        return [.. slices.OrderBy(slice => slice.Bucket).ThenBy(slice => slice.Piece.Place)];
    }

    private static Parameter Cut(Tensor whole, long at, long count, bool isCopy)
    {
        var view = whole.view(-1).narrow(0, at, count);
        return (Parameter)new Parameter(isCopy ? view.clone() : view, requires_grad: false).DetachFromDisposeScope();
    }
}
