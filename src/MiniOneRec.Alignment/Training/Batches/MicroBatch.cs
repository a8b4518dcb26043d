using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Samples that run in one pass: packed tokens, and where their labels are.</summary>
internal sealed class MicroBatch : IDisposable
{
    private MicroBatch(TokenBatch tokens, LabelSet labels, int[] tasks)
    {
        (Tokens, Labels, Tasks) = (tokens, labels, tasks);
    }

    public TokenBatch Tokens { get; }

    /// <summary>Gets where and what the labels are.</summary>
    public LabelSet Labels { get; }

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
        var soft = new List<(int Label, SoftLabel Value)>();
        foreach (var tree in trees)
        {
            int first = at;
            soft.AddRange(tree.SoftLabels.Select(label => (first + label.Label, label.Value)));
            for (int i = 0; i < tree.Targets.Length; i++, at++)
            {
                positions[at] = offset + tree.Nodes[i];
                targets[at] = tree.Targets[i];
                tasks[at] = taskIds[tree.Members[tree.Samples[i]].Task];
            }

            offset += tree.TokenCount;
        }

        return new MicroBatch(TokenBatch.Of([.. trees.Select(tree => tree.Tree)], device), new LabelSet(positions, targets, soft, device),
            tasks);
    }

    public void Dispose()
    {
        Tokens.Dispose();
        Labels.Dispose();
    }
}
