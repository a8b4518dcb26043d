using System.CommandLine;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>recommend</c>: for one history, for a file of histories, or at a prompt.</summary>
internal static class RecommendCommand
{
    private static readonly Option<string> Model = ModelLoading.Option();
    private static readonly Option<string?> History =
        new("--history") { Description = "Items of one history, oldest first, separated by commas.", HelpName = "ID,ID,…" };
    private static readonly Option<string?> Input = new("--input") { Description =
        "File of histories: 'user item item …' a line, or JSON lines with user and history.", HelpName = "FILE" };
    private static readonly Option<string?> Output =
        new("--output", "-o") { Description = "File for the answers to --input: .jsonl, .csv or .parquet.", HelpName = "FILE" };
    private static readonly Option<int> Count = new("--count", "-n") { Description = "How many items.", DefaultValueFactory = _ => 10 };
    private static readonly Option<string?> Part = Shard.Option("Answer the i-th of n parts of --input, for example 0/4.");

    public static Command Create(CliContext context)
    {
        var command = new Command("recommend", "Recommend items for a history, for a file of histories, or at a prompt.");
        foreach (Option option in (Option[])[Model, History, Input, Output, Count, Part, ModelLoading.Device])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(line =>
        {
            if (line.GetValue(History) is not null && line.GetValue(Input) is not null)
            {
                line.AddError("Give either --history or --input.");
            }

            if (line.GetValue(Input) is null && (line.GetValue(Output) ?? line.GetValue(Part)) is not null)
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
            var part = Shard.Parse(line.GetValue(Part));
            string? output = line.GetValue(Output);
            BatchRecommendation.RequireFormat(output);
            using var model =
                await ModelLoading.LoadAsync(line.GetRequiredValue(Model), line.GetValue(ModelLoading.Device)!, cancellationToken);
            int count = line.GetValue(Count);
            if (line.GetValue(History) is { } history)
            {
                await AnswerAsync(model, Items(history), count, reporter, cancellationToken);
            }
            else if (line.GetValue(Input) is { } input)
            {
                await new BatchRecommendation(model, input, count, part, reporter).RunAsync(output, context.Output, cancellationToken);
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

    private static string[] Items(string text) => text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
}
