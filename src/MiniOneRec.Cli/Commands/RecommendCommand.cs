using System.CommandLine;
using System.Globalization;
using System.Text.Json.Nodes;
using MiniOneRec.Cli.Output;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>recommend</c>: for one history, for a file of histories, or at a prompt.</summary>
internal static class RecommendCommand
{
    private const int BatchSize = 64;

    private static readonly Option<string> Model = ModelLoading.Option();
    private static readonly Option<string?> History =
        new("--history") { Description = "Items of one history, oldest first, separated by commas.", HelpName = "ID,ID,…" };
    private static readonly Option<string?> Input = new("--input") { Description =
        "File of histories: 'user item item …' a line, or JSON lines with user and history.", HelpName = "FILE" };
    private static readonly Option<string?> Output =
        new("--output", "-o") { Description = "File for the answers to --input: .jsonl or .csv.", HelpName = "FILE" };
    private static readonly Option<int> Count = new("--count", "-n") { Description = "How many items.", DefaultValueFactory = _ => 10 };
    private static readonly Option<string?> Shard =
        new("--shard") { Description = "Answer the i-th of n parts of --input, for example 0/4.", HelpName = "i/n" };

    public static Command Create(CliContext context)
    {
        var command = new Command("recommend", "Recommend items for a history, for a file of histories, or at a prompt.");
        foreach (Option option in (Option[])[Model, History, Input, Output, Count, Shard, ModelLoading.Device])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(line =>
        {
            if (line.GetValue(History) is not null && line.GetValue(Input) is not null)
            {
                line.AddError("Give either --history or --input.");
            }

            if (line.GetValue(Input) is null && (line.GetValue(Output) ?? line.GetValue(Shard)) is not null)
            {
                line.AddError("--output and --shard belong to --input.");
            }

            if (line.GetResult(Count) is { Implicit: false } && line.GetValue(Count) < 1)
            {
                line.AddError($"--count is {line.GetValue(Count)}; expected at least 1.");
            }
        });
        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            var reporter = context.Reporter(line);
            var part = ShardOf(line.GetValue(Shard));
            using var model =
                await ModelLoading.LoadAsync(line.GetRequiredValue(Model), line.GetValue(ModelLoading.Device)!, cancellationToken);
            int count = line.GetValue(Count);
            if (line.GetValue(History) is { } history)
            {
                await AnswerAsync(model, Items(history), count, reporter, cancellationToken);
            }
            else if (line.GetValue(Input) is { } input)
            {
                await BatchAsync(model, input, line.GetValue(Output), count, part, context, reporter, cancellationToken);
            }
            else
            {
                await PromptAsync(model, count, context, reporter, cancellationToken);
            }

            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task AnswerAsync(GenerativeRecommender model, IReadOnlyList<string> history, int count, Reporter reporter,
        CancellationToken cancellationToken)
    {
        var result = await model.RecommendAsync(history, count, cancellationToken);
        if (result.SkippedHistoryItems > 0)
        {
            reporter.OnMessage($"{result.SkippedHistoryItems} of the history's items are unknown to the model.");
        }

        reporter.Table("recommendation", ["rank", "item", "score", "semanticId"], result.Items.Select(
            (item, rank) => (IReadOnlyList<object?>)[rank + 1, item.ItemId, item.Score, item.SemanticId?.ToString()]));
    }

    private static async Task PromptAsync(GenerativeRecommender model, int count, CliContext context, Reporter reporter,
        CancellationToken cancellationToken)
    {
        reporter.OnMessage("Type the items of a history, oldest first, separated by commas; an empty line ends.");
        while (await Console.In.ReadLineAsync(cancellationToken) is { Length: > 0 } text)
        {
            await AnswerAsync(model, Items(text), count, reporter, cancellationToken);
        }

        await context.Output.FlushAsync(cancellationToken);
    }

    private static async Task BatchAsync(
        GenerativeRecommender model, string input, string? output, int count, (int Part, int Parts) shard, CliContext context,
        Reporter reporter,
        CancellationToken cancellationToken)
    {
        bool csv = output is not null && Path.GetExtension(output).Equals(".csv", StringComparison.OrdinalIgnoreCase);
        async Task WriteAsync(TextWriter writer)
        {
            if (csv)
            {
                await writer.WriteLineAsync("user,rank,item,score");
            }

            long done = 0;
            await foreach (var batch in ReadAsync(input, shard, cancellationToken).Chunk(BatchSize).WithCancellation(cancellationToken))
            {
                var answers = await model.RecommendAsync(
                    [.. batch.Select(row => new RecommendationRequest { History = row.History, Count = count })], cancellationToken);
                foreach (var (row, answer) in batch.Zip(answers))
                {
                    await writer.WriteAsync(csv ? Csv(row.User, answer) : JsonLine(row.User, answer));
                }

                done += batch.Length;
                reporter.OnProgress(new TrainingProgress("recommend", done, done));
            }

            reporter.OnMessage(string.Create(CultureInfo.InvariantCulture, $"{done:N0} histories answered."));
        }

        if (output is null)
        {
            await WriteAsync(context.Output);
            return;
        }

        await AtomicFile.WriteAsync(output, async stream =>
        {
            await using var writer = new StreamWriter(stream, leaveOpen: true) { NewLine = "\n" };
            await WriteAsync(writer);
        }, cancellationToken);
        reporter.Value("answers", Path.GetFullPath(output));
    }

    private static async IAsyncEnumerable<(string User, IReadOnlyList<string> History)> ReadAsync(
        string path, (int Part, int Parts) shard,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"There is no file '{path}'.", path);
        }

        long number = 0;
        await foreach (string line in File.ReadLinesAsync(path, cancellationToken))
        {
            number++;
            if (string.IsNullOrWhiteSpace(line) || (number - 1) % shard.Parts != shard.Part)
            {
                continue;
            }

            yield return line.TrimStart().StartsWith('{') ? FromJson(path, number, line) : FromText(line);
        }
    }

    private static (string User, IReadOnlyList<string> History) FromText(string line)
    {
        string[] parts = line.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries);
        return (parts[0], parts[1..]);
    }

    private static (string User, IReadOnlyList<string> History) FromJson(string path, long number, string line)
    {
        try
        {
            if (JsonNode.Parse(line) is JsonObject { } row && row["history"] is JsonArray history)
            {
                return (row["user"]?.ToString() ?? number.ToString(CultureInfo.InvariantCulture),
                    [.. history.Select(item => item!.ToString())]);
            }
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or NullReferenceException)
        {
            throw new InvalidDataException($"'{path}', line {number}: no JSON object with user and history.", e);
        }

        throw new InvalidDataException(
            $"'{path}', line {number}: expected a JSON object with the members user and history, a list of item ids.");
    }

    private static string JsonLine(string user, RecommendationResult answer) => new JsonObject
    {
        ["user"] = user,
        ["items"] = new JsonArray([.. answer.Items.Select(item => new JsonObject { ["item"] = item.ItemId, ["score"] = item.Score })]),
    }.ToJsonString() + "\n";

    private static string Csv(string user, RecommendationResult answer) => string.Concat(answer.Items.Select((item, rank) =>
        string.Create(CultureInfo.InvariantCulture, $"{Quoted(user)},{rank + 1},{Quoted(item.ItemId)},{item.Score:R}\n")));

    private static string Quoted(string text) =>
        text.AsSpan().IndexOfAny(",\"\n\r") < 0 ? text : $"\"{text.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string[] Items(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);

    private static (int Part, int Parts) ShardOf(string? text)
    {
        string[] parts = text?.Split('/') ?? ["0", "1"];
        return parts.Length == 2 && int.TryParse(parts[0], CultureInfo.InvariantCulture, out int part)
            && int.TryParse(parts[1], CultureInfo.InvariantCulture, out int all)
            && all > 0 && part >= 0 && part < all
            ? (part, all)
            : throw new ArgumentException($"--shard is '{text}'; expected i/n with 0 ≤ i < n, for example 0/4.");
    }
}
