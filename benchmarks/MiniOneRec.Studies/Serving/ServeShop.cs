using System.Diagnostics;
using System.Globalization;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Tokenization;
using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>Models with random weights over an invented catalogue, in a folder, and the server of it.</summary>
internal sealed class ServeShop : IDisposable
{
    public const string Key = "study-key-0123456789abcdef";

    private static readonly string[] Syllables = ["ba", "co", "di", "fu", "ga", "he", "ki", "lo", "mu", "ne", "po", "ra", "si", "to",
        "vu", "ze"];

    public string Root { get; } = Directory.CreateTempSubdirectory("minionerec-serve-").FullName;

    public string Database => Path.Combine(Root, "store.db");

    /// <summary>Invents a title of five words, the first of which says the kind.</summary>
    public static string Title(int item)
    {
        var random = new Random(item);
        return $"{Word(item % 40)} {string.Join(' ', Enumerable.Range(0, 4).Select(_ => Word(40 + random.Next(400))))}";

        static string Word(int number) => Syllables[number % 16] + Syllables[number / 16 % 16] + Syllables[number / 5 % 16];
    }

    /// <summary>Makes the models <c>shop-1</c>, <c>shop-2</c>, … and the folder <c>index</c>.</summary>
    public async Task MakeAsync(int models, int items, int width, int layers, int beams, int codes, CancellationToken cancellationToken)
    {
        Item[] all = [.. Enumerable.Range(0, items).Select(i => new Item { Id = $"{i}", Title = Title(i) })];
        using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 32, MinDocuments = 1 });
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [codes, codes, codes], MaxIterations = 5,
            Restarts = 1, Balanced = items <= 10_000 });           // balancing a large catalogue takes minutes
        var catalogue = await new SemanticIdTokenizer(encoder, quantizer).BuildAsync(all, cancellationToken: cancellationToken);
        await catalogue.SaveAsync(Path.Combine(Root, "index", "catalogue"), cancellationToken);
        await encoder.SaveAsync(Path.Combine(Root, "index", "encoder"), cancellationToken);
        var template = CompactTemplate.For(catalogue.Index);
        for (int model = 1; model <= models; model++)
        {
            torch.random.manual_seed(model);
            using var recommender = new GenerativeRecommender(
                new DecoderModel(DecoderConfig.Small(template.VocabularySize, width, layers, Math.Max(1, width / 32))), catalogue.Index,
                    template,
                new RecommenderOptions { BeamWidth = beams });
            await recommender.SaveAsync(Path.Combine(Root, $"shop-{model}"), cancellationToken);
        }
    }

    /// <summary>Makes a server that listens on a free port, or on the given one.</summary>
    public static WebApplication Server(string root, int port = 0, int remembered = 100_000, int batch = 32)
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls($"http://127.0.0.1:{port}");
        builder.Configuration.AddInMemoryCollection(new Dictionary<string, string?>
        {
            ["MiniOneRec:Serving:ModelRoot"] = root,
            ["MiniOneRec:Serving:Model"] = "shop-1",
            ["MiniOneRec:Serving:Database"] = Path.Combine(root, "store.db"),
            ["MiniOneRec:Serving:TimeoutMilliseconds"] = "600000",
            ["MiniOneRec:Serving:RememberedRecommendations"] = remembered.ToString(CultureInfo.InvariantCulture),
            ["MiniOneRec:Recommender:BatchSize"] = batch.ToString(CultureInfo.InvariantCulture),
            ["MiniOneRec:Serving:Keys:0:Name"] = "study",
            ["MiniOneRec:Serving:Keys:0:Key"] = Key,
            ["MiniOneRec:Serving:Keys:0:Scopes"] = "Recommend, Events, Admin",
        });
        builder.Services.AddMiniOneRecServing(builder.Configuration);
        var app = builder.Build();
        app.MapMiniOneRec();
        return app;
    }

    /// <summary>Starts this program as a server of its own process.</summary>
    public Process Start(int port)
    {
        var start = new ProcessStartInfo("dotnet", [typeof(ServeShop).Assembly.Location, "serve", "--parts", "child", "--root", Root,
            "--port", $"{port}"])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.ErrorDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    public void Dispose() => Directory.Delete(Root, recursive: true);
}
