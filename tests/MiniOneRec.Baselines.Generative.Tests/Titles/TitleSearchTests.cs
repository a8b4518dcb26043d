using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative.Tests.Titles;

/// <summary>The search over titles, held to a plain sum over every title.</summary>
public sealed class TitleSearchTests : IDisposable
{
    private static readonly int[][] Titles = [[5, 6, 0], [3, 0], [5, 7, 8, 0], [5, 7, 9, 0], [4, 4, 4, 4, 0], [3, 6, 0]];
    private static readonly int[][] Prompts = [[11, 12, 13], [14], [15, 16]];
    private static readonly double[] Masses = [0.05, 0.3, 0.12, 0.25, 0.2, 0.08];

    private readonly DecoderModel _model;
    private readonly TitleTree _tree = new(Titles);

    public TitleSearchTests()
    {
        random.manual_seed(4);
        _model = new DecoderModel(DecoderConfig.Small(20, 16, 2, 2));
        _model.eval();
        using var noGrad = no_grad();
        foreach (var parameter in _model.parameters())
        {
            parameter.mul_(3);                                                              // so that titles differ
        }
    }

    public void Dispose() => _model.Dispose();

    [Theory]
    [InlineData(1.0, false)]
    [InlineData(0.7, true)]
    [InlineData(0.0, true)]
    public void Search_WideBeam_EqualsAPlainSumOverEveryTitle(double share, bool assisted)
    {
        double[] leaves = [.. _tree.Leaves.Select(titles => Masses[titles[0]])];

        var found = new TitleSearch(_tree, 6, share).Search(
            _model, Prompts, assisted ? [leaves, leaves, leaves] : null, CancellationToken.None);

        for (int b = 0; b < Prompts.Length; b++)
        {
            var expected = Titles.Select((title, i) => (Title: i, Score: Plain(Prompts[b], title, share, assisted)))
                .OrderByDescending(pair => pair.Score).ToArray();
            Assert.Equal(expected.Select(pair => pair.Title), found[b].Select(beam => _tree.Leaves[beam.Leaf][0]));
            Assert.All(expected.Zip(found[b]), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-4));
        }
    }

    [Fact]
    public void Search_ManyPrompts_DoNotDependOnEachOther()
    {
        var search = new TitleSearch(_tree, 2, 1);

        var together = search.Search(_model, Prompts, null, CancellationToken.None);

        for (int b = 0; b < Prompts.Length; b++)
        {
            var alone = search.Search(_model, [Prompts[b]], null, CancellationToken.None)[0];
            Assert.Equal(alone.Select(beam => beam.Leaf), together[b].Select(beam => beam.Leaf));
            Assert.All(alone.Zip(together[b]), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-4));
        }
    }

    [Fact]
    public void Search_WidthOne_FollowsTheBestBranch()
    {
        var found = new TitleSearch(_tree, 1, 1).Search(_model, [Prompts[0]], null, CancellationToken.None)[0];

        int node = TitleTree.Root;
        var prefix = new List<int>();
        while (!_tree.IsLeaf(node))
        {
            var (start, end) = _tree.Children(node);
            node = Enumerable.Range(start, end - start)
                .MaxBy(child => LogProbabilities([.. Prompts[0], .. prefix, _tree.Token(child)], Prompts[0].Length + prefix.Count)[0]);
            prefix.Add(_tree.Token(node));
        }

        Assert.Equal(_tree.Covered(node).Start, Assert.Single(found).Leaf);
    }

    private double Plain(int[] prompt, int[] title, double share, bool assisted)
    {
        double score = LogProbabilities([.. prompt, .. title], prompt.Length).Sum() * share;
        for (int t = 0; assisted && t < title.Length; t++)
        {
            double Mass(int length) => Titles.Select((other, i) => (other, i))
                .Where(pair => pair.other.Length >= length && pair.other.AsSpan(0, length).SequenceEqual(title.AsSpan(0, length)))
                .Sum(pair => Masses[pair.i]);
            score += (1 - share) * Math.Log(Mass(t + 1) / Mass(t));
        }

        return score;
    }

    /// <summary>Computes the log-probability of each token from a position on, by one pass over the whole sequence.</summary>
    private float[] LogProbabilities(int[] tokens, int from)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var batch = TokenBatch.Of([tokens], CPU);
        var logs = _model.Logits(_model.Forward(batch)).log_softmax(1);
        return [.. Enumerable.Range(from, tokens.Length - from).Select(t => logs[t - 1, tokens[t]].item<float>())];
    }
}
