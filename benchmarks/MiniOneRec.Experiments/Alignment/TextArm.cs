using System.Diagnostics;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Experiments;

/// <summary>What one arm of the ablation is given.</summary>
internal sealed record TextSetup(
    double Minutes, int Steps, int Points, int Rows, int TestRows, string Train, NextItemWording Wording, SftOptions Options, int Users,
    int Layers,
    string Initial)
{
    /// <summary>Gets the training users.</summary>
    public IReadOnlyList<UserSequence> UsersOf(SplitDataset data)
    {
        var sequences = data.TrainSequences.Where(sequence => sequence.ItemIds.Count > 1).ToArray();
        new Random(Options.Seed).Shuffle(sequences);
        return Users > 0 ? sequences[..Math.Min(Users, sequences.Length)] : sequences;
    }
}

/// <summary>One arm: a decoder, pretrained or not, taught by next items alone or by titles too, with its curve.</summary>
internal sealed class TextArm : IDisposable
{
    private readonly StudyContext _context;
    private readonly TextSetup _setup;
    private readonly string _name;
    private readonly AlpacaTemplate _template;
    private readonly DecoderModel _model;
    private readonly EpochSamples _samples;
    private readonly TrainedWeights _weights;
    private readonly TrainingStep _step;
    private readonly Validator _loss;
    private readonly Validator _ranking;
    private readonly Validator _test;

    public TextArm(StudyContext context, TextSetup setup, SplitDataset data, string name, TextTokenizer plain)
    {
        (_context, _setup, _name) = (context, setup, name);
        var index = data.Index!;
        bool pretrained = name.StartsWith("pretrained", StringComparison.Ordinal), titles = name.EndsWith("t3", StringComparison.Ordinal);
        var tokenizer = plain.WithSemanticIds(index.LevelSizes, out var vocabulary);
        _template = new AlpacaTemplate(tokenizer, index.LevelSizes, setup.Wording);
        _model = pretrained ? Pretrained(data, plain, vocabulary) : Scratch(vocabulary);

        var options = setup.Options;
        options.Lora = pretrained && setup.Train == "lora" ? new LoraOptions() : null;
        options.FreezeBackbone = pretrained && setup.Train == "new-rows";
        IAlignmentTask[] tasks = titles
            ? [new NextItemTask { MaxItems = 20 }, new TitleToSidTask(), new SidToTitleTask(), new NextTitleTask()]
            : [new NextItemTask { MaxItems = 20 }];
        _samples = new EpochSamples(tasks, new AlignmentData(index, setup.UsersOf(data)) { Items = data.Items }, _template, options);
        _weights = new TrainedWeights(_model, options, plain.VocabularySize);
        _step = new TrainingStep(_model, _weights, _samples.TaskIds, options);
        _model.Dropout = options.Dropout;

        var measured = new SemanticIdModel(_model, _template, index);
        Validator Measure(IReadOnlyList<NextItemExample> rows, int count, ValidationMetric metric)
        {
            var how = options.Copy();
            (how.Validation, how.ValidationExamples) = (metric, count);
            return new Validator(measured, rows, how);
        }

        _loss = Measure(data.Validation, setup.Rows, ValidationMetric.Loss);
        _ranking = Measure(data.Validation, setup.Rows, ValidationMetric.HitRate);
        _test = Measure(data.Test, setup.TestRows, ValidationMetric.HitRate);
    }

    public static IReadOnlyList<string> Names => ["pretrained.t1", "pretrained.t1+t2+t3", "scratch.t1", "scratch.t1+t2+t3"];

    /// <summary>Trains for the given time and reports the curve.</summary>
    public void Run()
    {
        double limit = _setup.Minutes * 60, trained = 0;
        long step = 0, tokens = 0, samples = 0;
        int point = 0;
        _model.train();
        Point(0, 0, 0, 0);
        for (int epoch = 0; ; epoch++)
        {
            var (trees, batches) = _samples.Epoch(epoch);
            _context.Log(epoch > 0 ? $"{_name}: epoch {epoch}"
                : $"{_name}: {trees.Sum(tree => tree.Members.Count)} samples, {trees.Sum(tree => tree.TokenCount)} tokens an epoch");
            foreach (int[] batch in batches)
            {
                _context.CancellationToken.ThrowIfCancellationRequested();
                SampleTree[] members = [.. batch.Select(i => trees[i])];
                long start = Stopwatch.GetTimestamp();
                var metrics = _step.Run(members, ++step, int.MaxValue, () => null);
                trained += Stopwatch.GetElapsedTime(start).TotalSeconds;
                tokens += members.Sum(tree => tree.TokenCount);
                samples += members.Sum(tree => tree.Members.Count(sample => sample.Task == Prompt.NextSid));
                if (step % 10 == 1)
                {
                    _context.Log($"{_name} step {step}: loss {metrics["loss"]:F3}, {tokens / trained:F0} tokens/s, {trained / 60:F1} min");
                }

                bool over = trained >= limit || step == _setup.Steps;
                double share = Math.Max(trained / limit, _setup.Steps > 0 ? (double)step / _setup.Steps : 0);
                if (over || share * _setup.Points >= point + 1)
                {
                    point = (int)(share * _setup.Points);
                    Point(step, tokens, samples, trained);
                }

                if (over)
                {
                    Test();
                    return;
                }
            }
        }
    }

    public void Dispose()
    {
        _step.Dispose();
        _weights.Dispose();
        _model.Dispose();
    }

    private void Point(long step, long tokens, long samples, double seconds) => WithAverage(() =>
    {
        var where = new { step, tokens, next_sid_samples = samples, minutes = Math.Round(seconds / 60, 2) };
        foreach (var (name, value) in _loss.Measure(_context.CancellationToken).Concat(_ranking.Measure(_context.CancellationToken)))
        {
            _context.Report($"{_name}.{name}", value, "", where);
        }
    });

    private void Test() => WithAverage(() =>
    {
        foreach (var (name, value) in _test.Measure(_context.CancellationToken))
        {
            _context.Report($"{_name}.test.{name}", value, "", new { rows = _setup.TestRows });
        }
    });

    private void WithAverage(Action action)
    {
        if (_step.Average is not { } average)
        {
            action();
            return;
        }

        using var current = WeightCopy.Of(_weights.Masters);
        _weights.Put(average.Values);
        action();
        _weights.Put(current.Values);
    }

    private DecoderModel Pretrained(SplitDataset data, TextTokenizer plain, SemanticIdVocabulary vocabulary)
    {
        using var file = GgufFile.Open(_context.ModelPath(TextAblation.Weights));
        var titles = data.Items.Where(item => item.Title.Length > 0).ToDictionary(item => item.Id, item => item.Title);
        TokenRowInitializer initial = _setup.Initial == "text" ? new ItemTextRows(data.Index!, titles, plain) : new NormalRows();
        return VocabularyExtension.Extend(file.LoadDecoder(type: ScalarType.Float32), vocabulary, plain.VocabularySize, initial,
            _setup.Options.Seed);
    }

    private DecoderModel Scratch(SemanticIdVocabulary vocabulary)
    {
        using var file = GgufFile.Open(_context.ModelPath(TextAblation.Weights));
        var config = file.ReadConfig();
        random.manual_seed(_setup.Options.Seed);
        return new DecoderModel(config with
        {
            VocabularySize = Enumerable.Range(0, vocabulary.Depth).Max(level => vocabulary.TokensOf(level).ToArray().Max()) + 1,
            LayerCount = _setup.Layers > 0 ? _setup.Layers : config.LayerCount,
        });
    }
}
