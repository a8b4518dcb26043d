using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Samples that run in one pass: packed tokens, and where their labels are.</summary>
internal sealed class MicroBatch : IDisposable
{
    private MicroBatch(TokenBatch tokens, Tensor positions, Tensor targets, int[] tasks)
    {
        (Tokens, Positions, Targets, Tasks) = (tokens, positions, targets, tasks);
    }

    public TokenBatch Tokens { get; }

    /// <summary>Gets the packed token at which each label is predicted, <c>[M]</c> int64.</summary>
    public Tensor Positions { get; }

    /// <summary>Gets each label's token, <c>[M]</c> int64.</summary>
    public Tensor Targets { get; }

    /// <summary>Gets each label's task.</summary>
    public int[] Tasks { get; }

    /// <param name="trees">The samples.</param>
    /// <param name="taskIds">Number of each task name.</param>
    /// <param name="device">Where the tensors live.</param>
    public static MicroBatch Of(IReadOnlyList<SampleTree> trees, IReadOnlyDictionary<string, int> taskIds, Device device)
    {
        int labels = trees.Sum(tree => tree.Targets.Length), at = 0, offset = 0;
        long[] positions = new long[labels], targets = new long[labels];
        int[] tasks = new int[labels];
        foreach (var tree in trees)
        {
            for (int i = 0; i < tree.Targets.Length; i++, at++)
            {
                positions[at] = offset + tree.Nodes[i];
                targets[at] = tree.Targets[i];
                tasks[at] = taskIds[tree.Members[tree.Samples[i]].Task];
            }

            offset += tree.TokenCount;
        }

        return new MicroBatch(
            TokenBatch.Of([.. trees.Select(tree => tree.Tree)], device),
            tensor(positions, device: device).DetachFromDisposeScope(),
            tensor(targets, device: device).DetachFromDisposeScope(),
            tasks);
    }

    public void Dispose()
    {
        Tokens.Dispose();
        Positions.Dispose();
        Targets.Dispose();
    }
}
