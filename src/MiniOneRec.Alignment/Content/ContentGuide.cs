using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Lets validation rank by the mixture of codes and dense head, as serving does.</summary>
internal static class ContentGuide
{
    /// <summary>Makes what gives a search its priors, or <see langword="null"/> where the model has no dense head or the head no share.</summary>
    public static Func<Tensor, IReadOnlyList<BeamQuery>>? Of(
        CausalLanguageModel model, IReadOnlyList<BeamQuery> queries, SemanticIdTrie trie, SemanticIdIndex index, ContentTrainingOptions options)
    {
        if (model.Content is not { HasHead: true } head || options.ValidationShare == 0)
        {
            return null;
        }

        return hidden =>
        {
            float[][] dense = DenseMasses.Of(head, hidden, [.. queries.Select(query => query.Prompt)], index);
            return [.. queries.Zip(dense, (query, own) => query with { Prior = new PriorMass(trie, own, options.ValidationShare) })];
        };
    }
}
