using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines;

/// <summary>A network that reads items one after the other and, behind each, knows how likely every item is to come next.</summary>
internal abstract class SequentialModel(string name) : nn.Module(name)
{
    /// <summary>Gets the device of the weights.</summary>
    public Device Device => ItemEmbedding.device;

    /// <summary>Gets the item embeddings, <c>[N, D]</c>.</summary>
    public abstract Tensor ItemEmbedding { get; }

    /// <summary>Computes the states behind each position.</summary>
    /// <param name="items">Rows, <c>[B, T]</c> int64, padded on the right; what a position holds depends on the positions before it and
    /// itself only.</param>
    /// <returns><c>[B, T, D]</c> float32.</returns>
    public abstract Tensor Encode(Tensor items);

    /// <summary>Computes the states behind each position of sequences with times; the default does not read them.</summary>
    /// <param name="items">Rows, <c>[B, T]</c> int64, padded on the right.</param>
    /// <param name="times">Unix times in seconds, <c>[B, T]</c> int64, or <see langword="null"/> where none are known.</param>
    /// <returns><c>[B, T, D]</c> float32.</returns>
    public virtual Tensor Encode(Tensor items, Tensor? times) => Encode(items);

    /// <summary>Computes the vectors that states are multiplied with, <c>[N, D]</c>: by default the item embeddings.</summary>
    public virtual Tensor Outputs() => ItemEmbedding;

    /// <summary>Computes the logits behind chosen positions of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <returns><c>[M, N]</c>, one row per label of the batch.</returns>
    public Tensor Forward(SequenceBatch batch)
    {
        using var scope = NewDisposeScope();
        return F.linear(States(batch), Outputs()).MoveToOuterDisposeScope();
    }

    /// <summary>Computes the states behind chosen positions of a batch.</summary>
    /// <param name="batch">The batch.</param>
    /// <returns><c>[M, D]</c>, one row per label of the batch.</returns>
    public Tensor States(SequenceBatch batch)
    {
        using var scope = NewDisposeScope();
        var hidden = Encode(batch.Items, batch.Times);                                      // [B, T, D]
        return Query(hidden.flatten(0, 1).index_select(0, batch.Positions)).MoveToOuterDisposeScope();
    }

    /// <summary>Turns states into what <see cref="Outputs"/> is multiplied with; by default they stay as they are.</summary>
    /// <param name="states"><c>[M, D]</c>.</param>
    protected virtual Tensor Query(Tensor states) => states;

    /// <summary>Ends a constructor: registers the fields and draws some matrices from N(0, 0.02²); the others keep what their modules
    /// drew.</summary>
    /// <param name="isDrawn">Tells by the parameter's name.</param>
    protected void Initialize(Func<string, bool> isDrawn)
    {
        RegisterComponents();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, parameter) in named_parameters())
        {
            if (parameter.dim() > 1 && isDrawn(name))
            {
                nn.init.normal_(parameter, 0, 0.02);
            }
        }
    }
}
