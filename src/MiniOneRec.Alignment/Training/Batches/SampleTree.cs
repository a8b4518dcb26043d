using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>One or more samples as one token tree: common beginnings are nodes that are computed once.</summary>
/// <param name="Tree">The tokens.</param>
/// <param name="Nodes">Per label the node at which it is predicted: the one before it.</param>
/// <param name="Targets">Per label its token.</param>
/// <param name="Samples">Per label the sample it belongs to, as a position in <paramref name="Members"/>.</param>
/// <param name="Members">The samples.</param>
internal sealed record SampleTree(TokenTree Tree, int[] Nodes, int[] Targets, int[] Samples, IReadOnlyList<TokenSample> Members)
{
    /// <summary>Gets the labels of which a part belongs to other tokens, with their numbers among all labels.</summary>
    public IReadOnlyList<(int Label, SoftLabel Value)> SoftLabels { get; private init; } = [];

    public int TokenCount => Tree.Tokens.Count;

    /// <summary>Makes one tree per group of consecutive samples, and one per sample that is in none.</summary>
    public static List<SampleTree> Group(IReadOnlyList<TokenSample> samples)
    {
        var trees = new List<SampleTree>(samples.Count);
        for (int i = 0; i < samples.Count;)
        {
            int end = i + 1;
            while (samples[i].Group is { } group && end < samples.Count && samples[end].Group == group)
            {
                end++;
            }

            trees.Add(Of([.. Enumerable.Range(i, end - i).Select(s => samples[s])]));
            i = end;
        }

        return trees;
    }

    public static SampleTree Of(params IReadOnlyList<TokenSample> samples)
    {
        if (samples.Count == 1)
        {
            var sample = samples[0];
            int[] nodes = [.. Enumerable.Range(0, sample.Tokens.Length - 1).Where(t => sample.Labels[t + 1])];
            return new SampleTree(TokenTree.Chain(sample.Tokens), nodes, [.. nodes.Select(t => sample.Tokens[t + 1])],
                new int[nodes.Length], samples)
            {
                SoftLabels = Number(samples),
            };
        }

        return Merge(samples);
    }

    /// <summary>Checks that a model has the tokens of all samples.</summary>
    /// <param name="trees">The samples.</param>
    /// <param name="vocabularySize">The number of the model's tokens.</param>
    /// <exception cref="ArgumentException">A sample holds another token; the message names both.</exception>
    public static void RequireTokens(IEnumerable<SampleTree> trees, int vocabularySize)
    {
        foreach (var sample in trees.SelectMany(tree => tree.Members))
        {
            foreach (int token in sample.SoftLabels.Count == 0 ? sample.Tokens
                : sample.Tokens.Concat(sample.SoftLabels.SelectMany(label => label.Tokens)))
            {
                if ((uint)token >= (uint)vocabularySize)
                {
                    throw new ArgumentException(
                        $"Sample '{sample.Id}' of task '{sample.Task}' holds token {token}; the model has {vocabularySize} tokens.");
                }
            }
        }
    }

    private static SampleTree Merge(IReadOnlyList<TokenSample> samples)
    {
        int first = samples[0].Tokens[0];
        if (samples.FirstOrDefault(sample => sample.Tokens[0] != first) is { } other)
        {
            throw new ArgumentException(
                $"Samples of one group begin with one token; '{other.Id}' begins with {other.Tokens[0]}, '{samples[0].Id}' with {first}.");
        }

        // A sample's last token is predicted, and predicts nothing.
        var tree = TokenTree.Branches([first], [.. samples.Select(sample => sample.Tokens[1..^1])], out int[][] nodes);
        List<int> at = [], targets = [], owners = [];
        for (int s = 0; s < samples.Count; s++)
        {
            for (int t = 1; t < samples[s].Tokens.Length; t++)
            {
                if (samples[s].Labels[t])
                {
                    at.Add(t == 1 ? 0 : nodes[s][t - 2]);
                    targets.Add(samples[s].Tokens[t]);
                    owners.Add(s);
                }
            }
        }

        return new SampleTree(tree, [.. at], [.. targets], [.. owners], samples) { SoftLabels = Number(samples) };
    }

    private static List<(int, SoftLabel)> Number(IReadOnlyList<TokenSample> samples)
    {
        var numbered = new List<(int, SoftLabel)>();
        int before = 0;
        foreach (var sample in samples)
        {
            foreach (var soft in sample.SoftLabels)
            {
                if (!sample.Labels[soft.Position])
                {
                    throw new ArgumentException(
                        $"Sample '{sample.Id}' of task '{sample.Task}' has a soft label at position {soft.Position}, which is no label.");
                }

                numbered.Add((before + sample.Labels.AsSpan(0, soft.Position).Count(true), soft));
            }

            before += sample.LabelCount;
        }

        return numbered;
    }
}
