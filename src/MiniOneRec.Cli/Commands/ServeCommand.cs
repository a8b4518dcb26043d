using System.CommandLine;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using MiniOneRec.Stores;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>serve</c>: a model behind HTTP.</summary>
internal static class ServeCommand
{
    private const string Environment = "MINIONEREC__";

    private static readonly Argument<string> Model =
        new("MODEL") { Description = "A model folder, or the folder of a run. Models beside it can be loaded while serving." };
    private static readonly Option<string> Urls =
        new("--urls") { Description = "Where to listen, separated by ';'.", DefaultValueFactory = _ => "http://127.0.0.1:8080" };
    private static readonly Option<string?> Settings =
        new("--settings") { Description = "Settings with the sections Serving and Recommender.", HelpName = "FILE.json" };
    private static readonly Option<string?> Items =
        new("--items") { Description = "Texts and attributes of the items (.item.json); those of the run by default.", HelpName = "FILE" };
    private static readonly Option<string?> Store =
        new("--store") { Description = $"Where histories and new items are kept. {StoreLocation.Expected}", HelpName = "STORE" };
    private static readonly Option<string?> Encoder = TextEncoders.Option(
        "for new items, where the model's folder holds no encoder of its own; that of the run by default");

    public static Command Create(CliContext context)
    {
        var command = new Command("serve", "Answer requests over HTTP until Ctrl+C or SIGTERM.");
        command.Arguments.Add(Model);
        foreach (Option option in (Option[])[Urls, Settings, Items, Store, Encoder])
        {
            command.Options.Add(option);
        }

        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            var reporter = context.Reporter(line);
            await using var app = await BuildAsync(line, cancellationToken);
            app.MapMiniOneRec();
            app.Lifetime.ApplicationStarted.Register(() =>
            {
                foreach (string url in app.Urls)
                {
                    reporter.Value("url", url);
                }
            });
            await app.RunAsync(cancellationToken);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<WebApplication> BuildAsync(ParseResult line, CancellationToken cancellationToken)
    {
        string folder = Path.TrimEndingDirectorySeparator(Path.GetFullPath(line.GetRequiredValue(Model)));
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"There is no folder '{folder}'; serve names a model folder or the folder of a run.");
        }

        var given = new Dictionary<string, string?>
        {
            ["Serving:ModelRoot"] = Path.GetDirectoryName(folder),
            ["Serving:Model"] = Path.GetFileName(folder),
        };
        string ofRun = Path.Combine(folder, ItemFile.Name);
        if ((line.GetValue(Items) ?? (File.Exists(ofRun) ? ofRun : null)) is { } items)
        {
            given["Serving:Items"] = Path.GetFullPath(items);
        }

        var configuration = new ConfigurationBuilder();
        if (line.GetValue(Settings) is { } settings)
        {
            configuration.AddJsonFile(Path.GetFullPath(settings), optional: false);
        }

        configuration.AddEnvironmentVariables(Environment).AddInMemoryCollection(given);
        var builder = WebApplication.CreateSlimBuilder();
        builder.WebHost.UseUrls(line.GetValue(Urls)!.Split(';', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries));
        builder.Logging.SetMinimumLevel(line.GetValue(GlobalOptions.Verbose) ? LogLevel.Debug : LogLevel.Warning);
        builder.Services.AddMiniOneRecServing(configuration.Build()).AddBaselines();
        if (line.GetValue(Store) is { } location)
        {
            builder.Services.AddSingleton(_ => (IHistoryStore)StoreLocation.Open(location));
            builder.Services.AddSingleton(provider => (IItemStore)provider.GetRequiredService<IHistoryStore>());
        }

        if (TextEncoders.PathOf(line.GetValue(Encoder) ?? TextEncoders.OfRun(folder)) is { } path)
        {
            var encoder = await TextEncoders.OpenAsync(path, "cpu", new MiniOneRecOptions(), cancellationToken);
            builder.Services.AddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(_ => encoder);
        }

        return builder.Build();
    }
}
