using MiniOneRec.Modeling;
using MiniOneRec.Training;

namespace MiniOneRec.Alignment;

/// <summary>Makes each epoch's samples from the tasks, and their batches; the same for the same seed and epoch.</summary>
internal sealed class EpochSamples
{
    private readonly IReadOnlyList<IAlignmentTask> _tasks;
    private readonly AlignmentData _data;
    private readonly IPromptTemplate _template;
    private readonly SftOptions _options;
    private readonly List<SampleTree>?[] _fixed;

    public EpochSamples(IReadOnlyList<IAlignmentTask> tasks, AlignmentData data, IPromptTemplate template, SftOptions options)
    {
        (_tasks, _data, _template, _options) = (tasks, data, template, options);
        _fixed = new List<SampleTree>?[tasks.Count];
        TaskIds = tasks.Select((task, i) => (task.Name, i)).ToDictionary(pair => pair.Name, pair => pair.i);
    }

    /// <summary>Gets the number of each task's name.</summary>
    public IReadOnlyDictionary<string, int> TaskIds { get; }

    /// <summary>Gets what was left out of the last epoch that was made, by task and reason.</summary>
    public SortedDictionary<string, int> Skipped { get; } = new(StringComparer.Ordinal);

    /// <summary>Makes the samples of an epoch and their batches, as positions.</summary>
    public (List<SampleTree> Trees, List<int[]> Batches) Epoch(int epoch)
    {
        var trees = new List<SampleTree>();
        for (int t = 0; t < _tasks.Count; t++)
        {
            var made = TreesOf(t, epoch);
            trees.AddRange(_tasks[t].Weight == 1 ? made : Weighted(made, _tasks[t].Weight, Seeded(epoch, t + _tasks.Count)));
        }

        var batches = BatchOrder.Create([.. trees.Select(tree => tree.TokenCount)], _options.BatchSize, Seeded(epoch, -1));
        return (trees, batches);
    }

    /// <summary>Checks that the epoch that was made last has a batch.</summary>
    /// <exception cref="ArgumentException">There is none; the message tells what was left out.</exception>
    public void RequireAny(List<int[]> batches)
    {
        if (batches.Count == 0)
        {
            throw new ArgumentException(
                $"There is nothing to train on: the tasks {string.Join(", ", TaskIds.Keys)} made no samples. "
                + "Left out: "
                + $"{(Skipped.Count == 0 ? "nothing" : string.Join("; ", Skipped.Select(pair => $"{pair.Value} of {pair.Key}")))}.");
        }
    }

    private List<SampleTree> TreesOf(int t, int epoch)
    {
        if (_fixed[t] is { } made)
        {
            return made;
        }

        var task = _tasks[t];
        var context = new TaskContext(_data, _template, Seeded(epoch, t)) { MaxTokens = _options.MaxTokens };
        var samples = new List<TokenSample>();
        foreach (var sample in task.CreateSamples(context))
        {
            Check(sample, task);
            var cut = sample.CutLeft(_options.MaxTokens);
            if (!cut.Labels[0])
            {
                samples.Add(cut);
            }
            else if (_options.RejectTooLong)
            {
                throw new ArgumentException(
                    $"Sample '{sample.Id}' of task '{task.Name}' has {sample.LabelCount} answer tokens and no room for its prompt "
                    + $"within {_options.MaxTokens} tokens.");
            }
            else
            {
                context.Skip($"no room for the answer within {_options.MaxTokens} tokens");
            }
        }

        foreach (var (reason, count) in context.Skipped)
        {
            Skipped[$"{task.Name}: {reason}"] = count;
        }

        var trees = SampleTree.Group(samples);
        if (!task.VariesByEpoch)
        {
            _fixed[t] = trees;
        }

        return trees;
    }

    // Tasks may be a caller's own.
    private void Check(TokenSample sample, IAlignmentTask task)
    {
        if (sample.Tokens.Length < 2 || sample.Tokens.Length != sample.Labels.Length || sample.Labels[0] || sample.LabelCount == 0)
        {
            throw new ArgumentException(
                $"Sample '{sample.Id}' of task '{task.Name}' has {sample.Tokens.Length} tokens and {sample.Labels.Length} marks of labels, "
                + $"{sample.LabelCount} of them set"
                + $"{(sample.Labels is [true, ..] ? ", the first too" : "")}; expected as many marks as tokens, two or more, "
                + "and a label that is not the first token.");
        }

        if (!TaskIds.ContainsKey(sample.Task))
        {
            throw new ArgumentException(
                $"Task '{task.Name}' made sample '{sample.Id}' for task '{sample.Task}', "
                + $"which is none of {string.Join(", ", TaskIds.Keys)}.");
        }
    }

    private static IEnumerable<SampleTree> Weighted(List<SampleTree> trees, double weight, Random random)
    {
        int whole = (int)weight;
        foreach (var tree in trees)
        {
            int copies = whole + (random.NextDouble() < weight - whole ? 1 : 0);
            for (int i = 0; i < copies; i++)
            {
                yield return tree;
            }
        }
    }

    private Random Seeded(int epoch, int stream) => new(unchecked((int)SeedStream.Mix(_options.Seed, epoch, stream)));
}
