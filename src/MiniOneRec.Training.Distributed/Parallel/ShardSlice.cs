using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training.Distributed;

/// <summary>Consecutive weights of one parameter that this process moves.</summary>
/// <param name="bucket">The number of their bucket.</param>
/// <param name="piece">Where they lie in parameter and share.</param>
/// <param name="value">The weights: a view of the parameter or of its share, or float32 values that these have rounded.</param>
/// <param name="isCopy">Whether they are the latter.</param>
internal sealed class ShardSlice(int bucket, FlatPiece piece, Parameter value, bool isCopy)
{
    public bool IsCopy { get; } = isCopy;

    public int Bucket { get; } = bucket;

    public FlatPiece Piece { get; } = piece;

    public Parameter Value { get; } = value;

    public Tensor First { get; set; } = null!;

    public Tensor Second { get; set; } = null!;
}
