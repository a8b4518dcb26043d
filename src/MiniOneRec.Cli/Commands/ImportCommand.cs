using System.CommandLine;
using MiniOneRec.Alignment;
using MiniOneRec.Cli.Output;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;

namespace MiniOneRec.Cli.Commands;

/// <summary><c>import</c>: a Hugging Face folder, a GGUF file or a PEFT adapter as a model folder.</summary>
internal static class ImportCommand
{
    private const string IndexFile = "catalogue.index.json";

    private static readonly Option<string> From = new("--from") { Description =
        "A Hugging Face folder, a GGUF file, what export wrote, or a model folder that receives --adapter.",
        HelpName = "PATH", Required = true };
    private static readonly Option<string?> Index = new("--index") { Description =
        $"File of semantic IDs; {IndexFile} in the folder by default.", HelpName = "FILE.index.json" };
    private static readonly Option<string?> Items = new("--items") { Description =
        "Item texts (.item.json), from whose titles codes that the model does not know get their first rows.", HelpName = "FILE" };
    private static readonly Option<string?> Adapter = new("--adapter") { Description =
        "Folder of a PEFT adapter, which is merged into the weights.", HelpName = "DIR" };
    private static readonly Option<string> Template = new("--template") { Description =
        "How prompts are written for a language model: alpaca or chat.", DefaultValueFactory = _ => "alpaca" };
    private static readonly Option<string> NewRows = new("--new-rows") { Description =
        "First rows of codes that the model does not know: item-text, normal or mean.", DefaultValueFactory = _ => "item-text" };
    private static readonly Option<string> Output =
        new("--output", "-o") { Description = "The model folder to write.", HelpName = "DIR", Required = true };

    public static Command Create(CliContext context)
    {
        var command = new Command("import", "Make a model folder of a Hugging Face folder, a GGUF file or a PEFT adapter.");
        foreach (Option option in (Option[])[From, Index, Items, Adapter, Template, NewRows, Output])
        {
            command.Options.Add(option);
        }

        Template.AcceptOnlyFromAmong("alpaca", "chat");
        NewRows.AcceptOnlyFromAmong("item-text", "normal", "mean");
        command.SetAction(async (line, cancellationToken) =>
        {
            NativeTuning.Apply();
            string from = line.GetRequiredValue(From), output = Path.GetFullPath(line.GetRequiredValue(Output));
            using var model = await LoadAsync(line, from, cancellationToken);
            if (line.GetValue(Adapter) is { } adapter)
            {
                using var adapters = await LoraAdapters.LoadAsync(adapter, model.Model, cancellationToken);
                adapters.Merge();
            }

            await model.SaveAsync(output, cancellationToken);
            var reporter = context.Reporter(line);
            if (!File.Exists(Path.Combine(from, "minionerec.json")) && line.GetValue(Adapter) is null && !IsExported(from))
            {
                reporter.OnMessage("The model knows its codes only as far as it was trained on them; reinforce and train continue it.");
            }

            reporter.Value("model", output);
            return ExitCodes.Success;
        });
        return command;
    }

    private static async Task<GenerativeRecommender> LoadAsync(ParseResult line, string from, CancellationToken cancellationToken)
    {
        if (!Directory.Exists(from) && !File.Exists(from))
        {
            throw new FileNotFoundException($"--from: there is no folder or file '{from}'.", from);
        }

        if (File.Exists(Path.Combine(from, "minionerec.json")))
        {
            return line.GetValue(Adapter) is not null
                ? await ModelLoading.LoadAsync(from, "cpu", cancellationToken)
                : throw new ArgumentException($"'{from}' is a model folder already; import adds an --adapter to one.");
        }

        string index = line.GetValue(Index) ?? Path.Combine(from, IndexFile);
        if (!File.Exists(index))
        {
            throw new FileNotFoundException($"There is no file of semantic IDs '{index}'; name one with --index.", index);
        }

        var ids = await SemanticIdIndex.LoadAsync(index, requireUniformDepth: true, cancellationToken: cancellationToken);
        if (IsExported(from))
        {
            return await OwnAsync(from, ids, cancellationToken);
        }

        Item[] items = line.GetValue(Items) is { } texts
            ? await ItemJsonReader.ReadAsync(texts, cancellationToken).ToArrayAsync(cancellationToken) : [];
        var options = new ModelingOptions
        {
            PretrainedPath = from,
            Template = line.GetValue(Template) == "chat" ? PromptFormat.Chat : PromptFormat.Alpaca,
            NewRows = line.GetValue(NewRows) switch
            {
                "normal" => NewTokenRows.Normal,
                "mean" => NewTokenRows.Mean,
                _ => NewTokenRows.ItemText,
            },
        };
        return await new GenerativeRecommenderFactory(options).CreateAsync(ids, items, cancellationToken: cancellationToken);
    }

    // A model of ours without words: its tokens are codes, and the folder has no tokenizer.
    private static bool IsExported(string from) => Directory.Exists(from) && File.Exists(Path.Combine(from, IndexFile))
        && !File.Exists(Path.Combine(from, "tokenizer.json"));

    private static async Task<GenerativeRecommender> OwnAsync(string from, SemanticIdIndex index, CancellationToken cancellationToken)
    {
        var template = CompactTemplate.For(index);
        var model = await HuggingFaceFolder.LoadDecoderAsync(from, new CheckpointLoadOptions { RequireHead = true }, cancellationToken);
        if (model.Config.VocabularySize != template.VocabularySize)
        {
            int there = model.Config.VocabularySize;
            model.Dispose();
            throw new InvalidDataException(
                $"'{from}' has a vocabulary of {there} tokens; the semantic IDs need {template.VocabularySize}. "
                + "They do not belong together, or the folder lacks its tokenizer.json.");
        }

        return new GenerativeRecommender(model, index, template);
    }
}
