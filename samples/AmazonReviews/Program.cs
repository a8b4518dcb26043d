using AmazonReviews;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Encoders.Onnx;
using MiniOneRec.Recipes;
using MiniOneRec.Samples;
using Spectre.Console;

NativeTuning.Apply();
if (Console.IsOutputRedirected)
{
    AnsiConsole.Profile.Width = 140;
}

return await CommandLine.Create(async (data, options, encoderName, cancellationToken) =>
{
    try
    {
        var sets = await data.LoadAsync(cancellationToken);
        using var encoder = encoderName switch
        {
            "tfidf" => null,
            "minilm" => MiniLm.Create(),
            _ => await OnnxTextEncoder.LoadAsync(encoderName, cancellationToken: cancellationToken),
        };
        using var result = await new Recipe(options, encoder).RunAsync(sets, new ConsoleObserver(), cancellationToken);
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
