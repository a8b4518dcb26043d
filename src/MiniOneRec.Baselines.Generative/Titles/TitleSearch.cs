using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Beam search over a tree of titles, with an assistant that says how likely each branch is.</summary>
/// <remarks>
/// Bao et al. (arXiv:2406.14900), equations 3 to 6: a beam's score is the sum over its tokens of <c>α·log p + (1 − α)·log c</c>, p the
/// model's probability over the whole vocabulary, c the assistant's probability of the branch among those that the tree allows. Nothing is
/// divided by the length of a title.
/// </remarks>
/// <param name="tree">The titles.</param>
/// <param name="width">W, how many beams are kept.</param>
/// <param name="share">α, the model's share.</param>
internal sealed class TitleSearch(TitleTree tree, int width, double share)
{
    private const double SmallestMass = 1e-12;

    /// <summary>Searches for several prompts together.</summary>
    /// <param name="model">The model, in evaluation mode.</param>
    /// <param name="prompts">Token ids; at least one prompt.</param>
    /// <param name="masses">For each prompt the assistant's probability of each leaf, or <see langword="null"/> for no assistant.</param>
    /// <param name="cancellationToken">Looked at between tokens.</param>
    /// <returns>Per prompt at most W leaves with their scores, best first.</returns>
    public IReadOnlyList<(int Leaf, double Score)>[] Search(
        IDecodingBackbone model, IReadOnlyList<int[]> prompts, IReadOnlyList<double[]>? masses, CancellationToken cancellationToken)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var cache = model.NewCache();
        double[][]? sums = masses is null ? null : [.. masses.Select(Cumulated)];
        var live = prompts.Select(_ => new List<Hypothesis> { new(TitleTree.Root, 0, []) }).ToArray();
        var finished = prompts.Select(_ => new List<Hypothesis>()).ToArray();
        var hidden = model.Prefill(prompts, cache);                                         // [R, D]
        while (true)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var step = NewDisposeScope();
            float[] scores = ChildScores(model, hidden, live);
            for (int b = 0, at = 0; b < live.Length; b++)
            {
                (live[b], finished[b], at) = Grow(live[b], finished[b], scores, at, sums?[b]);
            }

            if (Array.TrueForAll(live, beams => beams.Count == 0))
            {
                return [.. finished.Select(beams => beams.Select(beam => (tree.Covered(beam.Node).Start, beam.Score)).ToArray())];
            }

            hidden = Run(model, cache, live).MoveToOuterDisposeScope();
        }
    }

    private static double[] Cumulated(double[] masses)
    {
        double[] sums = new double[masses.Length + 1];
        for (int leaf = 0; leaf < masses.Length; leaf++)
        {
            sums[leaf + 1] = sums[leaf] + masses[leaf];
        }

        return sums;
    }

    /// <summary>Computes log p of every child of every beam, in their order.</summary>
    private float[] ChildScores(IDecodingBackbone model, Tensor hidden, List<Hypothesis>[] live)
    {
        var logits = F.linear(hidden, model.HeadWeight).to_type(ScalarType.Float32);        // [R, V]
        var logs = (logits - logits.logsumexp(1, keepdim: true)).flatten();                 // [R·V]
        long vocabulary = logits.size(1), row = 0;
        var places = new List<long>();
        foreach (var beam in live.SelectMany(beams => beams))
        {
            var (start, end) = tree.Children(beam.Node);
            for (int child = start; child < end; child++)
            {
                places.Add(row * vocabulary + tree.Token(child));
            }

            row++;
        }

        return logs.index_select(0, tensor(places.ToArray(), device: hidden.device)).cpu().data<float>().ToArray();
    }

    private (List<Hypothesis> Live, List<Hypothesis> Finished, int At) Grow(
        List<Hypothesis> live, List<Hypothesis> finished, float[] scores, int at, double[]? sums)
    {
        var all = new List<Hypothesis>(finished);
        foreach (var beam in live)
        {
            var (start, end) = tree.Children(beam.Node);
            double allowed = sums is null ? 0 : Mass(beam.Node, sums);
            for (int child = start; child < end; child++, at++)
            {
                double assistant = sums is null ? 0 : Math.Log(Math.Max(Mass(child, sums), SmallestMass) / Math.Max(allowed, SmallestMass));
                double score = sums is null ? scores[at] : share * scores[at] + (1 - share) * assistant;
                all.Add(new Hypothesis(child, beam.Score + score, beam.Chain));
            }
        }

        Hypothesis[] best = [.. all.OrderByDescending(beam => beam.Score).Take(width)];     // stable: ties go to the earlier beam
        return ([.. best.Where(beam => !tree.IsLeaf(beam.Node))], [.. best.Where(beam => tree.IsLeaf(beam.Node))], at);
    }

    private double Mass(int node, double[] sums)
    {
        var (start, end) = tree.Covered(node);
        return sums[end] - sums[start];
    }

    private Tensor Run(IDecodingBackbone model, DecodingCache cache, List<Hypothesis>[] live)
    {
        var (tokens, prompts, chains) = (new List<int>(), new List<int>(), new List<int[]>());
        for (int b = 0; b < live.Length; b++)
        {
            for (int i = 0; i < live[b].Count; i++)
            {
                int[] chain = [.. live[b][i].Chain, cache.RowCount + tokens.Count];
                live[b][i] = live[b][i] with { Chain = chain };
                tokens.Add(tree.Token(live[b][i].Node));
                prompts.Add(b);
                chains.Add(chain);
            }
        }

        return model.Extend(cache, new DecodingStep { Tokens = [.. tokens], Prompts = [.. prompts], Ancestors = [.. chains] });
    }

    private readonly record struct Hypothesis(int Node, double Score, int[] Chain);
}
