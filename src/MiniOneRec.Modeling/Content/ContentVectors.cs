using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Items' vectors as a model uses them: centred on the mean of those that are known, of length 1.</summary>
internal static class ContentVectors
{
    /// <summary>Prepares the vectors of all items.</summary>
    /// <returns><c>[N, E]</c>; zeros where an item has none.</returns>
    public static Tensor Of(ItemContent content)
    {
        using var scope = NewDisposeScope();
        var values = tensor(content.Values, [content.Items.Count, content.Width]);                          // [N, E]
        var known = tensor([.. content.Known.ToArray().Select(is_ => is_ ? 1f : 0f)]).unsqueeze(1);         // [N, 1]
        var mean = known.t().mm(values) / Scalars.Of(content.KnownCount);                                   // [1, E]
        values.add_(mean, Scalars.Of(-1));
        values.div_(values.norm(1, keepdim: true).clamp_min_(Scalars.Of(1e-12)));
        return values.mul_(known).MoveToOuterDisposeScope();
    }

    /// <summary>Averages the vectors of the items that share a semantic ID.</summary>
    /// <param name="content">The vectors.</param>
    /// <param name="trie">The tree of the same items.</param>
    /// <param name="vectors">What <see cref="Of"/> returned.</param>
    /// <returns>The row of each node at which items end, −1 for other nodes; and the rows, <c>[leaves, E]</c>, of length 1 or
    /// zero: another view of <paramref name="vectors"/> where no two items share a semantic ID.</returns>
    public static (int[] Rows, Tensor Vectors) ByLeaf(ItemContent content, SemanticIdTrie trie, Tensor vectors)
    {
        using var scope = NewDisposeScope();
        int[] rows = new int[trie.NodeCount];
        List<long> items = [], owners = [];
        int count = 0;
        bool shared = false;
        for (int node = 0; node < rows.Length; node++)
        {
            var ending = trie.ItemsAt(node);
            rows[node] = ending.Length == 0 ? -1 : count++;
            shared |= ending.Length > 1;
            foreach (int item in ending)
            {
                items.Add(item);
                owners.Add(rows[node]);
            }
        }

        if (!shared)
        {
            for (int node = 0; node < rows.Length; node++)
            {
                rows[node] = rows[node] < 0 ? -1 : trie.ItemsAt(node)[0];
            }

            return (rows, vectors.alias().MoveToOuterDisposeScope());
        }

        var sums = zeros(count, content.Width)
            .index_add_(0, tensor(owners.ToArray()), vectors.index_select(0, tensor(items.ToArray())), Scalars.Of(1));
        return (rows, F.normalize(sums, 2, 1).MoveToOuterDisposeScope());
    }
}
