namespace MiniOneRec.Modeling;

/// <summary>The bookkeeping of one prompt's draws: which prefixes are walked, by how many draws or with which perturbation.</summary>
internal sealed class SamplingWalk
{
    private readonly SamplingOptions _options;
    private readonly SemanticIdTrie _trie;
    private readonly Random _random;
    private readonly List<Draw> _finished = [];
    private List<Draw> _next = [];
    private double _threshold = double.NegativeInfinity;            // κ, the largest perturbed log-probability that was left out

    public SamplingWalk(SamplingOptions options, SemanticIdTrie trie, Random random)
    {
        (_options, _trie, _random) = (options, trie, random);
        Live = [new Draw(SemanticIdTrie.Root, 0, options.Count, options.WithoutReplacement ? Gumbel() : 0, [])];
    }

    /// <summary>Gets the prefixes whose children are drawn next.</summary>
    public List<Draw> Live { get; private set; }

    /// <summary>Draws among the children of a prefix.</summary>
    /// <param name="prefix">The prefix.</param>
    /// <param name="scores">Logits by code; the terminator's last where <paramref name="mayEnd"/> is set.</param>
    /// <param name="mayEnd">Whether ending is one of the choices where items end.</param>
    public void Score(Draw prefix, ReadOnlySpan<float> scores, bool mayEnd)
    {
        var (start, end) = _trie.Children(prefix.Node);
        var choices = new List<(int Node, bool Ends, double LogProbability)>(end - start + 1);
        for (int child = start; child < end; child++)
        {
            choices.Add((child, false, scores[_trie.Code(child)] / _options.Temperature));
        }

        if (_trie.IsTerminal(prefix.Node) && mayEnd)
        {
            choices.Add((prefix.Node, true, scores[^1] / _options.Temperature));
        }

        Normalise(choices);
        if (_options.WithoutReplacement)
        {
            Perturb(prefix, choices);
        }
        else
        {
            DrawIndependently(prefix, choices);
        }
    }

    /// <summary>Takes the drawn prefixes as the next to walk; without replacement only the best Count of them and of what is
    /// finished.</summary>
    public void Advance()
    {
        var (drawn, wasLive) = (_next, Live);
        (_next, Live) = ([], []);
        if (wasLive.Count == 0)
        {
            return;
        }

        if (_options.WithoutReplacement)
        {
            var all = drawn.Concat(_finished).OrderByDescending(draw => draw.Perturbed).ToList();
            if (all.Count > _options.Count)
            {
                _threshold = Math.Max(_threshold, all[_options.Count].Perturbed);
                all.RemoveRange(_options.Count, all.Count - _options.Count);
            }

            _finished.Clear();
            drawn = all;
        }

        foreach (var draw in drawn)
        {
            // What has no children and no sibling "end" to choose from is finished.
            bool finished = draw.Ended || _trie.Children(draw.Node) is var (start, end) && start == end;
            (finished ? _finished : Live).Add(draw);
        }
    }

    public IReadOnlyList<SampledId> Results() =>
    [
        .. _finished.OrderByDescending(draw => draw.LogProbability).ThenBy(draw => draw.Node).SelectMany(draw => Enumerable.Repeat(
            new SampledId(draw.Node, draw.LogProbability, _options.WithoutReplacement ? InclusionWeight(draw.LogProbability) : 1),
            draw.Times)),
    ];

    // p / q with q = P(Gumbel(log p) > κ) = 1 − exp(−exp(log p − κ)); 1 where nothing was left out.
    private double InclusionWeight(double logProbability) => double.IsNegativeInfinity(_threshold)
        ? Math.Exp(logProbability)
        : Math.Exp(logProbability) / -ExpM1(-Math.Exp(logProbability - _threshold));

    private void Normalise(List<(int Node, bool Ends, double LogProbability)> choices)
    {
        Renormalise(choices);
        if (_options.TopK > 0 || _options.TopP < 1)
        {
            choices.Sort(static (a, b) => a.LogProbability != b.LogProbability ? b.LogProbability.CompareTo(a.LogProbability)
                : a.Node.CompareTo(b.Node));
            int keep = _options.TopK > 0 ? Math.Min(_options.TopK, choices.Count) : choices.Count;
            double mass = 0;
            for (int i = 0; i < keep; i++)
            {
                mass += Math.Exp(choices[i].LogProbability);
                if (mass >= _options.TopP)
                {
                    keep = i + 1;
                }
            }

            choices.RemoveRange(keep, choices.Count - keep);
            Renormalise(choices);
        }
    }

    private static void Renormalise(List<(int Node, bool Ends, double LogProbability)> choices)
    {
        double largest = choices.Max(choice => choice.LogProbability);
        double normaliser = largest + Math.Log(choices.Sum(choice => Math.Exp(choice.LogProbability - largest)));
        for (int i = 0; i < choices.Count; i++)
        {
            choices[i] = choices[i] with { LogProbability = choices[i].LogProbability - normaliser };
        }
    }

    private void DrawIndependently(Draw prefix, List<(int Node, bool Ends, double LogProbability)> choices)
    {
        var times = new int[choices.Count];
        for (int draw = 0; draw < prefix.Times; draw++)
        {
            double left = _random.NextDouble();
            int chosen = 0;
            while (chosen < choices.Count - 1 && (left -= Math.Exp(choices[chosen].LogProbability)) >= 0)
            {
                chosen++;
            }

            times[chosen]++;
        }

        for (int i = 0; i < times.Length; i++)
        {
            if (times[i] > 0)
            {
                _next.Add(new Draw(choices[i].Node, prefix.LogProbability + choices[i].LogProbability, times[i], 0,
                    prefix.Chain) { Ended = choices[i].Ends });
            }
        }
    }

    // Gumbel noise for each child, conditioned on its maximum being the parent's: Kool et al., appendix B.3, in the stable form.
    private void Perturb(Draw prefix, List<(int Node, bool Ends, double LogProbability)> choices)
    {
        var noisy = new double[choices.Count];
        for (int i = 0; i < noisy.Length; i++)
        {
            noisy[i] = prefix.LogProbability + choices[i].LogProbability + Gumbel();
        }

        double largest = noisy.Max();
        for (int i = 0; i < noisy.Length; i++)
        {
            double v = prefix.Perturbed - noisy[i] + Log1MinusExp(noisy[i] - largest);
            double conditioned = prefix.Perturbed - Math.Max(0, v) - LogP1(Math.Exp(-Math.Abs(v)));
            _next.Add(new Draw(choices[i].Node, prefix.LogProbability + choices[i].LogProbability, 1, conditioned,
                prefix.Chain) { Ended = choices[i].Ends });
        }
    }

    private static double Log1MinusExp(double x) => x >= 0 ? double.NegativeInfinity : x > -0.6931 ? Math.Log(-ExpM1(x))
        : LogP1(-Math.Exp(x));

    // log(1 + x) and exp(x) − 1 without losing the digits of a small x.
    private static double LogP1(double x)
    {
        double u = 1 + x;
        return u == 1 ? x : Math.Log(u) * x / (u - 1);
    }

    private static double ExpM1(double x)
    {
        if (Math.Abs(x) > 0.5)
        {
            return Math.Exp(x) - 1;
        }

        double half = Math.Tanh(x / 2);
        return 2 * half / (1 - half);
    }

    private double Gumbel() => -Math.Log(-Math.Log(1 - _random.NextDouble() * (1 - 1e-16)));

    /// <summary>A prefix that draws have reached.</summary>
    internal sealed class Draw(int node, double logProbability, int times, double perturbed, int[] chain)
    {
        public int Node { get; } = node;

        public double LogProbability { get; } = logProbability;

        /// <summary>Gets how many independent draws came here.</summary>
        public int Times { get; } = times;

        /// <summary>Gets the log-probability with Gumbel noise.</summary>
        public double Perturbed { get; } = perturbed;

        /// <summary>Gets or sets the cache rows of the prefix's tokens.</summary>
        public int[] Chain { get; set; } = chain;

        /// <summary>Gets whether ending was the choice.</summary>
        public bool Ended { get; init; }
    }
}
