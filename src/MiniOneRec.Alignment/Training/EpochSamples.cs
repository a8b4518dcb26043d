using MiniOneRec.Modeling;

namespace MiniOneRec.Alignment;

/// <summary>Makes each epoch's samples from the tasks, and their batches; the same for the same seed and epoch.</summary>
internal sealed class EpochSamples
{
    private readonly IReadOnlyList<IAlignmentTask> _tasks;
    private readonly AlignmentData _data;
    private readonly IPromptTemplate _template;
    private readonly SftOptions _options;
    private readonly List<TokenSample>?[] _fixed;

    public EpochSamples(IReadOnlyList<IAlignmentTask> tasks, AlignmentData data, IPromptTemplate template, SftOptions options)
    {
        (_tasks, _data, _template, _options) = (tasks, data, template, options);
        _fixed = new List<TokenSample>?[tasks.Count];
        TaskIds = tasks.Select((task, i) => (task.Name, i)).ToDictionary(pair => pair.Name, pair => pair.i);
    }

    /// <summary>Gets the number of each task's name.</summary>
    public IReadOnlyDictionary<string, int> TaskIds { get; }

    /// <summary>Gets how many samples of the last epoch were left out for want of room.</summary>
    public int TooLong { get; private set; }

    /// <summary>Makes the samples of an epoch and their batches, as positions.</summary>
    public (List<SampleTree> Trees, List<int[]> Batches) Epoch(int epoch)
    {
        var trees = new List<SampleTree>();
        TooLong = 0;
        for (int t = 0; t < _tasks.Count; t++)
        {
            trees.AddRange(SampleTree.Group(SamplesOf(t, epoch)));
        }

        var batches = BatchOrder.Create([.. trees.Select(tree => tree.TokenCount)], _options.BatchSize, Seeded(epoch, -1));
        return (trees, batches);
    }

    private List<TokenSample> SamplesOf(int t, int epoch)
    {
        if (_fixed[t] is { } made)
        {
            return made;
        }

        var samples = new List<TokenSample>();
        foreach (var sample in _tasks[t].CreateSamples(_data, _template, Seeded(epoch, t)))
        {
            var cut = sample.CutLeft(_options.MaxTokens);
            if (cut.Labels[0])
            {
                TooLong++;
                continue;
            }

            samples.Add(cut);
        }

        if (!_tasks[t].VariesByEpoch)
        {
            _fixed[t] = samples;
        }

        return samples;
    }

    private Random Seeded(int epoch, int stream) => new(unchecked((int)Seeds.Mix(_options.Seed, epoch, stream)));
}
