using System.Diagnostics;
using MiniOneRec.Alignment;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Experiments;

/// <summary>What one arm of the ablation is given.</summary>
internal sealed record TextSetup(
    SftOptions Options, int TestRows, string Train, NextItemWording Wording, int Users, int Layers, string Initial)
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
    private readonly SplitDataset _data;
    private readonly string _name;
    private readonly SftOptions _options;
    private readonly IAlignmentTask[] _tasks;
    private readonly GenerativeRecommender _recommender;

    public TextArm(StudyContext context, TextSetup setup, SplitDataset data, string name, TextTokenizer plain)
    {
        (_context, _setup, _data, _name, _options) = (context, setup, data, name, setup.Options);
        var index = data.Index!;
        bool pretrained = name.StartsWith("pretrained", StringComparison.Ordinal), titles = name.EndsWith("t3", StringComparison.Ordinal);
        var tokenizer = plain.WithSemanticIds(index.LevelSizes, out var vocabulary);
        var model = pretrained ? Pretrained(plain, vocabulary) : Scratch(vocabulary);
        _recommender = new GenerativeRecommender(model, index, new AlpacaTemplate(tokenizer, index.LevelSizes, setup.Wording));
        _options.Lora = pretrained && setup.Train == "lora" ? new LoraOptions() : null;
        _options.FreezeBackbone = pretrained && setup.Train == "new-rows";
        _tasks = titles
            ? [new NextItemTask { MaxItems = 20 }, new TitleToSidTask(), new SidToTitleTask(), new NextTitleTask()]
            : [new NextItemTask { MaxItems = 20 }];
    }

    public static IReadOnlyList<string> Names => ["pretrained.t1", "pretrained.t1+t2+t3", "scratch.t1", "scratch.t1+t2+t3"];

    /// <summary>Trains for the given time, reports the curve, and measures the best weights on both parts.</summary>
    public async Task RunAsync()
    {
        var train = new AlignmentData(_data.Index!, _setup.UsersOf(_data)) { Items = _data.Items };
        var trainer = new SftTrainer(_tasks, _options);
        var result = await trainer.TrainAsync(
            _recommender, train, _data.Validation, new Curve(_context, _name), _context.CancellationToken);
        _context.Report($"{_name}.best_step", result.BestStep, "",
            new { steps = result.Steps, minutes = Math.Round(result.Elapsed.TotalMinutes, 2), result.StopReason });
        await MeasureAsync("valid", _data.Validation, _options.ValidationExamples);
        await MeasureAsync("test", _data.Test, _setup.TestRows);
    }

    public void Dispose() => _recommender.Dispose();

    private async Task MeasureAsync(string part, IReadOnlyList<NextItemExample> examples, int rows)
    {
        var evaluator = new RecommendationEvaluator(
            new EvaluationOptions { Cutoffs = [10], MaxExamples = rows, BootstrapSamples = 0, Seed = _options.Seed });
        var report = await evaluator.EvaluateAsync(_recommender, examples, _context.CancellationToken);
        foreach (string metric in new[] { "HR", "NDCG" })
        {
            _context.Report($"{_name}.{part}.{metric}@10", report[metric, 10], "", new { rows = report.Examples });
        }
    }

    private DecoderModel Pretrained(TextTokenizer plain, SemanticIdVocabulary vocabulary)
    {
        using var file = GgufFile.Open(_context.ModelPath(TextAblation.Weights));
        var titles = _data.Items.Where(item => item.Title.Length > 0).ToDictionary(item => item.Id, item => item.Title);
        TokenRowInitializer initial = _setup.Initial == "text" ? new ItemTextRows(_data.Index!, titles, plain) : new NormalRows();
        return VocabularyExtension.Extend(file.LoadDecoder(type: ScalarType.Float32), vocabulary, plain.VocabularySize, initial,
            _options.Seed);
    }

    private DecoderModel Scratch(SemanticIdVocabulary vocabulary)
    {
        using var file = GgufFile.Open(_context.ModelPath(TextAblation.Weights));
        var config = file.ReadConfig();
        random.manual_seed(_options.Seed);
        return new DecoderModel(config with
        {
            VocabularySize = Enumerable.Range(0, vocabulary.Depth).Max(level => vocabulary.TokensOf(level).ToArray().Max()) + 1,
            LayerCount = _setup.Layers > 0 ? _setup.Layers : config.LayerCount,
        });
    }

    /// <summary>Reports the figures of every validation, and logs every tenth step.</summary>
    private sealed class Curve(StudyContext context, string name) : IProgress<TrainingProgress>
    {
        private readonly Stopwatch _clock = Stopwatch.StartNew();

        public void Report(TrainingProgress value)
        {
            double minutes = Math.Round(_clock.Elapsed.TotalMinutes, 2);
            if (value.Step % 10 == 1)
            {
                context.Log($"{name} step {value.Step}: loss {value.Metrics["loss"]:F3}, "
                    + $"{value.Metrics["tokens_per_second"]:F0} tokens/s, {minutes:F1} min");
            }

            foreach (var (metric, figure) in value.Metrics.Where(pair => pair.Key == "validation_loss" || pair.Key.Contains('@')))
            {
                context.Report($"{name}.{metric}", figure, "", new { step = value.Step, minutes });
            }
        }
    }
}
