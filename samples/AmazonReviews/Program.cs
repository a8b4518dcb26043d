using AmazonReviews;
using Microsoft.Extensions.Options;
using MiniOneRec;
using Spectre.Console;

NativeTuning.Apply();
if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = 140;
}

return await CommandLine.Create(async (settings, cancellationToken) =>
{
    try
    {
        await new Recipe(settings).RunAsync(cancellationToken);
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
