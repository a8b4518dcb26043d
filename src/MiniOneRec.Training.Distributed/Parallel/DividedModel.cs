using MiniOneRec.Tensors;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>A model that no gradient moves, of whose weights each process keeps its share.</summary>
/// <remarks>Its parameters read as NaN while nothing holds it whole.</remarks>
internal sealed class DividedModel : IDisposable
{
    private readonly string[] _names;
    private readonly long[][] _shapes;
    private readonly DividedWeights _weights;
    private readonly (FlatPiece Piece, Tensor Value)[] _own;        // views of this process's shares

    /// <summary>Divides the weights, and lets go of those of other processes.</summary>
    /// <param name="parameters">The weights by name, the same in every process; not owned.</param>
    /// <param name="blocks">The block of each.</param>
    /// <param name="group">The processes.</param>
    public DividedModel(IReadOnlyList<(string Name, Parameter Value)> parameters, IReadOnlyList<int> blocks, IProcessGroup group)
    {
        using var noGrad = no_grad();
        Parameter[] values = [.. parameters.Select(pair => pair.Value)];
        (_names, _shapes) = ([.. parameters.Select(pair => pair.Name)], [.. values.Select(value => value.shape)]);
        var layout = FlatLayout.Of(values, group.Size, long.MaxValue, blocks);
        _weights = new DividedWeights(
            values, layout.Buckets.Select((bucket, number) => (number, bucket, blocks[bucket.Pieces[0].Parameter])), group);
        _own = [.. layout.Buckets.SelectMany((bucket, number) => bucket.Owned[group.Rank].Select(
            piece => (piece, _weights.ShareOf(number)!.narrow(0, piece.Place, piece.Count).DetachFromDisposeScope())))];
        _weights.Release();
    }

    /// <summary>Gathers the weights, and keeps them whole until the result is disposed; every process must call it.</summary>
    public IDisposable Hold() => _weights.Hold();

    /// <summary>Gets what this process keeps; the values alias it.</summary>
    /// <param name="prefix">What the names begin with.</param>
    public IReadOnlyList<StatePart> Parts(string prefix) => [.. _own.Select(own =>
        new StatePart(prefix + _names[own.Piece.Parameter], own.Value, _shapes[own.Piece.Parameter], own.Piece.At))];

    /// <summary>Moves the weights towards others: w ← (1 − α)·w + α·other.</summary>
    /// <param name="others">Whole weights, in the order of this model's.</param>
    /// <param name="mixing">α.</param>
    public void MoveTowards(IEnumerable<Tensor> others, double mixing)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor[] values = [.. others.Select(other => other.detach().reshape(-1))];
        foreach (var (piece, own) in _own)
        {
            own.mul_(Scalars.Of(1 - mixing)).add_(values[piece.Parameter].narrow(0, piece.At, piece.Count), alpha: Scalars.Of(mixing));
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var (_, value) in _own)
        {
            value.Dispose();
        }

        _weights.Dispose();
    }
}
