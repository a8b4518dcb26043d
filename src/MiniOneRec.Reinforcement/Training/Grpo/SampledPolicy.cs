using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Log-probabilities of a step's completions under the policy that sampled them, before any update.</summary>
/// <remarks>
/// A reference of the same weights has these log-probabilities too. The prompts that the rollout ran are kept until they are known, so
/// that the completions alone are run.
/// </remarks>
internal sealed class SampledPolicy(PolicyContext context)
{
    private readonly List<PromptStore> _stores = [];

    /// <summary>Makes room for the prompts of one request.</summary>
    public PromptStore NewStore()
    {
        _stores.Add(new PromptStore());
        return _stores[^1];
    }

    /// <summary>Forgets the prompts, before the policy moves.</summary>
    public void Forget()
    {
        _stores.ForEach(store => store.Dispose());
        _stores.Clear();
    }

    /// <summary>Makes the groups' log-probabilities known.</summary>
    /// <param name="groups">Groups in the order in which they were drawn.</param>
    public void Score(IEnumerable<ScoredGroup> groups)
    {
        foreach (var chunk in groups.Where(group => group.LogProbs is null).GroupBy(group => group.Drawn))
        {
            using var noGrad = no_grad();
            using var scope = NewDisposeScope();
            ScoredGroup[] members = [.. chunk];
            using var layout = chunk.Key.Store is { } store && store.Holds(context.Model, chunk.Key.Prompts)
                ? context.Space.Branches(members, [.. members.Select(group => group.Number)], store.Cache)
                : context.Space.Trees(members);
            using var values = CompletionScorer.Score(context.Model, layout).LogProbs.cpu().contiguous();       // [N, T]
            foreach (var (part, group) in values.data<float>().ToArray().Chunk(members[0].Group.Count * context.Space.Width).Zip(members))
            {
                group.LogProbs = part;
            }
        }
    }

    /// <summary>Gets log-probabilities that are known.</summary>
    /// <returns><c>[N, T]</c> float32.</returns>
    public Tensor Of(IEnumerable<ScoredGroup> groups) =>
        tensor([.. groups.SelectMany(group => group.LogProbs!)], device: context.Model.Device).view(-1, context.Space.Width);
}
