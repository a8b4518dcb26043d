using AmazonReviews;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Recipes;
using Spectre.Console;

NativeTuning.Apply();
if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = 140;
}

return await CommandLine.Create(async (data, options, cancellationToken) =>
{
    try
    {
        var sets = await data.LoadAsync(cancellationToken);
        using var result = await new Recipe(options).RunAsync(sets, new ConsoleObserver(), cancellationToken);
        ConsoleObserver.Show(result.Report);
        return 0;
    }
    catch (OperationCanceledException)
    {
        AnsiConsole.MarkupLine("[yellow]Cancelled.[/] Finished artifacts are kept; start from them with --sft-model and the like.");
        return 130;
    }
    catch (Exception e) when (e is IOException or InvalidDataException or ArgumentException or OptionsValidationException)
    {
        AnsiConsole.MarkupLine($"[red]{Markup.Escape(e.Message)}[/]");
        return 2;
    }
}).Parse(args).InvokeAsync();
