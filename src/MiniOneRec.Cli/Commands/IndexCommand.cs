using System.CommandLine;
using System.Globalization;
using MiniOneRec.Cli.Output;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Tokenization;
using MiniOneRec.Tokenization.Plots;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>index</c>: semantic IDs of a catalogue, with a report and plots.</summary>
internal static class IndexCommand
{
    private static readonly Option<string> Quantizer = new("--quantizer") { Description =
        "rq-vae, rq-kmeans, rq-kmeans-balanced, rq-kmeans-plus, opq or fsq.", DefaultValueFactory = _ => "rq-vae" };
    private static readonly Option<string?> Vectors = new("--embeddings") { Description =
        "Text vectors: .npy with one row per item, or the folder of all parts that --shard wrote. Made of the items' text by default.",
        HelpName = "PATH" };
    private static readonly Option<string?> Encoder = TextEncoders.Option("TF-IDF by default");
    private static readonly Option<string?> Part = Shard.Option(
        "Only write the vectors of the i-th of n parts of the items into --output; --embeddings then reads the folder.");
    private static readonly Option<string> Output =
        new("--output", "-o") { Description = "Folder of the semantic IDs.", HelpName = "DIR", DefaultValueFactory = _ => "index" };
    private static readonly Option<string> Levels = new("--levels") { Description =
        "Codes of each level; opq and fsq have sizes of their own.", HelpName = "K,K,…", DefaultValueFactory = _ => "256,256,256" };
    private static readonly Option<bool> Restart = new("--restart") { Description =
        "Begin anew in a folder whose index was stopped; without it, the same command continues it." };
    private static readonly Option<int> Seed = new("--seed") { Description = "Seed of the quantizer.", DefaultValueFactory = _ => 42 };

    public static Command Create(CliContext context)
    {
        var command = new Command("index", "Make semantic IDs of a catalogue, with a report and plots.");
        RunOptions.AddDataTo(command);
        foreach (Option option in (Option[])[Quantizer, Levels, Vectors, Encoder, Part, Output, Seed, Restart, ModelLoading.Device])
        {
            command.Options.Add(option);
        }

        command.Validators.Add(line =>
        {
            if (line.GetValue(Vectors) is not null && (line.GetValue(Encoder) ?? line.GetValue(Part)) is not null)
            {
                line.AddError("--embeddings names vectors that are made; --encoder and --shard make some. Give one of them.");
            }
        });
        Quantizer.AcceptOnlyFromAmong("rq-vae", "rq-kmeans", "rq-kmeans-balanced", "rq-kmeans-plus", "opq", "fsq");
        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            var reporter = context.Reporter(line);
            var unfinished = new UnfinishedIndex(line.GetValue(Output)!);
            if (line.GetValue(Restart))
            {
                unfinished.Forget();
            }

            try
            {
                await RunAsync(line, unfinished, reporter, cancellationToken);
                return ExitCodes.Success;
            }
            catch (OperationCanceledException e)
            {
                throw unfinished.Exists ? new StoppedRunException(Path.GetFullPath(line.GetValue(Output)!), e) : new StoppedRunException(e);
            }
        });
        return command;
    }

    private static async Task RunAsync(ParseResult line, UnfinishedIndex unfinished, Reporter reporter, CancellationToken cancellationToken)
    {
        var data = await RunOptions.LoadAsync(RunOptions.Read(line), null, reporter, cancellationToken);
        var shared = new MiniOneRecOptions { Seed = line.GetValue(Seed) };
        using var quantizer = Make(line, unfinished.Checkpoints, shared);
        if (line.GetValue(Vectors) is null && data.Items.All(item => item.Title.Length == 0))
        {
            throw new InvalidDataException(
                $"The items of '{data.Name}' have no text; name item texts with --items, or vectors with --embeddings.");
        }

        var opened =
            await TextEncoders.OpenAsync(line.GetValue(Encoder), line.GetValue(ModelLoading.Device)!, shared, cancellationToken);
        using var encoder = line.GetValue(Encoder) is { } model && line.GetValue(Part) is null ? unfinished.Keep(opened, model) : opened;
        var progress = new StageProgress(reporter);
        if (line.GetValue(Part) is { } part)
        {
            string made = await VectorParts.WriteAsync(
                line.GetValue(Output)!, Shard.Parse(part), data.Items, encoder, progress, cancellationToken);
            reporter.Value("vectors", made);
            return;
        }

        var tokenizer = new SemanticIdTokenizer(encoder, quantizer);
        var vectors = line.GetValue(Vectors) is { } file
            ? Directory.Exists(file) ? await VectorParts.ReadAsync(file, data.ItemIds, cancellationToken)
            : await EmbeddingTable.LoadAsync(file, expectedCount: data.Items.Count, cancellationToken: cancellationToken)
            : await tokenizer.EncodeTextAsync(data.Items, progress, cancellationToken);
        var catalogue = await BuildAsync(tokenizer, data.ItemIds, vectors, unfinished, progress, cancellationToken);
        string folder = Directory.CreateDirectory(line.GetValue(Output)!).FullName;
        await catalogue.SaveAsync(Path.Combine(folder, "catalogue"), cancellationToken);
        if (line.GetValue(Vectors) is null && encoder is TfIdfEncoder fitted)
        {
            await fitted.SaveAsync(Path.Combine(folder, "encoder"), cancellationToken);
        }

        string path = Path.Combine(folder, $"{data.Name}.index.json");
        await catalogue.Index.SaveAsync(path, cancellationToken);
        var report = await SemanticIdReport.CreateAsync(
            catalogue.Index, new SemanticIdEvidence { Embeddings = vectors }, cancellationToken: cancellationToken);
        await report.SaveAsync(Path.Combine(folder, "report.json"), overwrite: true, cancellationToken);
        await SemanticIdPlots.SaveAsync(catalogue.Index, report, folder, cancellationToken);
        unfinished.Forget();
        reporter.OnMessage(report.ToString());
        reporter.Value("index", path);
    }

    private static async Task<SemanticIdCatalogue> BuildAsync(
        SemanticIdTokenizer tokenizer, IReadOnlyList<string> ids, EmbeddingTable vectors, UnfinishedIndex unfinished,
        StageProgress progress, CancellationToken cancellationToken)
    {
        bool continues = unfinished.Exists;
        try
        {
            return await tokenizer.BuildAsync(ids, vectors, progress, cancellationToken);
        }
        catch (InvalidDataException e) when (continues)
        {
            throw new InvalidDataException($"{e.Message} For this command: another --output, or --restart to begin anew.", e);
        }
    }

    private static IQuantizer Make(ParseResult line, CheckpointOptions checkpoints, MiniOneRecOptions shared)
    {
        int[] sizes = Sizes(line.GetValue(Levels)!);
        RqVaeOptions plus = RqKMeansPlusQuantizer.Defaults(), rqVae = new() { CodebookSizes = sizes };
        var fsq = new FsqOptions();
        (plus.CodebookSizes, plus.Training.Checkpoints) = (sizes, checkpoints);
        (rqVae.Training.Checkpoints, fsq.Training.Checkpoints) = (checkpoints, checkpoints);
        return line.GetValue(Quantizer) switch
        {
            "rq-kmeans" => new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = sizes }, shared),
            "rq-kmeans-balanced" => new RqKMeansQuantizer(new RqKMeansOptions { Balanced = true, CodebookSizes = sizes }, shared),
            "rq-kmeans-plus" => new RqKMeansPlusQuantizer(plus, shared),
            "opq" => new RqOpqQuantizer(null, shared),
            "fsq" => new FsqQuantizer(fsq, shared),
            _ => new RqVaeQuantizer(rqVae, shared),
        };
    }

    private static int[] Sizes(string text)
    {
        string[] parts = text.Split(',', StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        int[] sizes = [.. parts.Select(part => int.TryParse(part, CultureInfo.InvariantCulture, out int size) && size > 1 ? size : 0)];
        return sizes.Length > 0 && sizes.All(size => size > 0)
            ? sizes
            : throw new ArgumentException($"--levels is '{text}'; expected whole numbers of at least 2, separated by commas.");
    }
}
