using System.CommandLine;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Parity;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Pretrained;
using static TorchSharp.torch;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>parity</c>: a released checkpoint on the reference system's data, beside the paper's figures.</summary>
internal static class ParityCommand
{
    private static readonly Option<string> Checkpoint = new("--checkpoint") { Description =
        "Folder of a released checkpoint: config.json, tokenizer.json with the codes' tokens, *.safetensors.", HelpName = "DIR",
        Required = true };
    private static readonly Option<string> Data = new("--data") { Description =
        "Folder in the reference layout (index, info, train, valid, test).", HelpName = "DIR", Required = true };
    private static readonly Option<string?> Dataset = new("--dataset") { Description =
        "Data set in that folder; by default the one whose codes the checkpoint knows.", HelpName = "NAME" };
    private static readonly Option<int> Beams = new("--beams") { Description = "Beams of the search.", DefaultValueFactory = _ => 50 };
    private static readonly Option<int> Batch = new("--batch") { Description =
        "Test rows that run together.", DefaultValueFactory = _ => 8 };
    private static readonly Option<string> Prompt = new("--prompt") { Description =
        "The prompt: evaluation, as the reference system measures, or training.", DefaultValueFactory = _ => "evaluation" };
    private static readonly Option<string> Type = new("--type") { Description =
        "Type of the weights: stored, float32 or bfloat16; auto is float32 on a CPU and stored elsewhere.",
        DefaultValueFactory = _ => "auto" };
    private static readonly Option<string?> Predictions = new("--predictions") { Description =
        "Also write what was predicted, in the layout that the reference system's calculator reads.", HelpName = "FILE.json" };

    public static Command Create(CliContext context)
    {
        var command = new Command("parity", "Measure a released checkpoint beside the figures of the paper.");
        foreach (Option option in (Option[])
            [Checkpoint, Data, Dataset, Beams, Batch, Prompt, Type, ModelLoading.Rows, ModelLoading.Device, Predictions])
        {
            command.Options.Add(option);
        }

        Prompt.AcceptOnlyFromAmong("evaluation", "training");
        Type.AcceptOnlyFromAmong("auto", "stored", "float32", "bfloat16");
        command.Validators.Add(line =>
        {
            foreach (var option in (Option<int>[])[Beams, Batch])
            {
                if (line.GetResult(option) is { Implicit: false } && line.GetValue(option) < 1)
                {
                    line.AddError($"{option.Name} is {line.GetValue(option)}; expected at least 1.");
                }
            }
        });
        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            await RunAsync(line, context.Reporter(line), cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task RunAsync(ParseResult line, Reporter reporter, CancellationToken cancellationToken)
    {
        string folder = line.GetRequiredValue(Checkpoint), from = line.GetRequiredValue(Data);
        var tokenizer = await ReleasedCheckpoint.ReadTokenizerAsync(folder, cancellationToken);
        string name = line.GetValue(Dataset) ?? await FindAsync(from, folder, tokenizer, cancellationToken);
        var data = await ReferenceDataset.LoadAsync(from, name, cancellationToken: cancellationToken);
        var index = data.Index!;
        string device = line.GetValue(ModelLoading.Device)!;
        using var checkpoint = await ReleasedCheckpoint.LoadAsync(
            folder, tokenizer, index, line.GetValue(Prompt) == "training" ? NextItemWording.Training : NextItemWording.Evaluation, device,
            TypeOf(line.GetValue(Type)!, device), cancellationToken);
        var rows = Draw(data.Test, line.GetValue(ModelLoading.Rows));
        using var recommender = new ReleasedRecommender(checkpoint, index, line.GetValue(Beams));
        reporter.OnMessage($"{name}: {rows.Count} test rows, {index.DistinctCount} semantic IDs, "
            + $"{checkpoint.Model.parameters().Sum(parameter => parameter.numel())} weights.");
        var result = await ParityResult.MeasureAsync(
            recommender, index, rows, line.GetValue(Beams), line.GetValue(Batch), new StageProgress(reporter), cancellationToken);
        if (line.GetValue(Predictions) is { } path)
        {
            await WriteAsync(path, index, rows, result, cancellationToken);
        }

        Show(reporter, name, index, rows, result);
    }

    private static void Show(
        Reporter reporter, string name, SemanticIdIndex index, IReadOnlyList<NextItemExample> rows, ParityResult result)
    {
        var (report, published) = (result.Report, PublishedFigures.Of(name));
        reporter.Table("parity", ["figure", "measured", "low", "high", "paper", "verdict", "weights elsewhere"], result.Lines(published));
        double seconds = report.Elapsed.TotalSeconds;
        reporter.Table("count", ["what", "value"],
        [
            ["test rows", report.Examples],
            ["invalid predictions", report.InvalidPredictions],
            ["predictions missing", report.Shortfall],
            ["targets that share their semantic ID", rows.Count(row => index.RowsOf(index[row.Target]).Count > 1)],
            ["history items skipped", report.SkippedHistoryItems],
            .. new[] { 10 }.Intersect(report.Cutoffs).SelectMany(cutoff => (IReadOnlyList<object?>[])
            [
                [$"HR@{cutoff}, strict item level", result.ItemLevel(new HitRate(), cutoff)],
                [$"NDCG@{cutoff}, strict item level", result.ItemLevel(new Ndcg(), cutoff)],
            ]),
            ["users per second", Math.Round(rows.Count / Math.Max(seconds, 1e-9), 2)],
        ]);
        reporter.Value("verdict", result.Summary(published));
    }

    private static IReadOnlyList<NextItemExample> Draw(IReadOnlyList<NextItemExample> rows, int? most) => most is null ? rows
        : most < 1 ? throw new ArgumentException($"--rows is {most}; expected at least 1.")
        : [.. HeldOutRanking.Draw(rows.Count, most.Value, new Random(new EvaluationOptions().Seed)).Order().Select(row => rows[row])];

    private static ScalarType? TypeOf(string name, string device) => name switch
    {
        "float32" => ScalarType.Float32,
        "bfloat16" => ScalarType.BFloat16,
        "auto" when device == "cpu" => ScalarType.Float32,
        _ => null,
    };

    // The data set whose codes all have tokens; the released folders hold two, and a checkpoint was trained on one of them.
    private static async Task<string> FindAsync(
        string data, string checkpoint, ITextTokenizer tokenizer, CancellationToken cancellationToken)
    {
        const string Extension = ".index.json";
        string folder = Path.Combine(data, "index");
        string[] files = !Directory.Exists(folder) ? []
            : [.. Directory.EnumerateFiles(folder, "*" + Extension).Order(StringComparer.Ordinal)];
        if (files.Length == 0)
        {
            throw new FileNotFoundException(
                $"--data: '{folder}' holds no file of semantic IDs (NAME{Extension}); "
                + "expected a folder with index, info, train, valid and test.", folder);
        }

        var fitting = new List<string>();
        foreach (string file in files)
        {
            var index = await SemanticIdIndex.LoadAsync(file, requireUniformDepth: true, cancellationToken: cancellationToken);
            if (ReleasedCheckpoint.Missing(tokenizer, index).Length == 0)
            {
                fitting.Add(Path.GetFileName(file)[..^Extension.Length]);
            }
        }

        string known = string.Join(", ", files.Select(file => Path.GetFileName(file)[..^Extension.Length]));
        return fitting switch
        {
            [var only] => only,
            [] => throw new InvalidDataException(
                $"The tokenizer of '{checkpoint}' lacks codes of every data set in '{data}' ({known}); it was trained on another index."),
            _ => throw new ArgumentException(
                $"The checkpoint knows the codes of {string.Join(" and ", fitting)}; name the data set with --dataset."),
        };
    }

    private static Task WriteAsync(
        string path, SemanticIdIndex index, IReadOnlyList<NextItemExample> rows, ParityResult result, CancellationToken cancellationToken)
    {
        var entries = rows.Zip(result.Answers, (row, answer) => (JsonNode)new JsonObject
        {
            ["input"] = string.Join(", ", index.KnownIds(row.History, int.MaxValue, out _).Select(id => id.ToString())),
            ["output"] = index[row.Target] + "\n",
            ["predict"] = new JsonArray([.. answer.Select(id => (JsonNode)id.ToString())]),
        });
        return AtomicFile.WriteTextAsync(path, new JsonArray([.. entries]).ToJsonString(), cancellationToken);
    }
}
