using System.CommandLine;
using System.CommandLine.Parsing;
using MiniOneRec.Recipes;

namespace AmazonReviews;

/// <summary>The options of the program, and the rules that tie them.</summary>
internal static class CommandLine
{
    private static readonly Option<string?> Data = new("--data")
    {
        Description = "Folder in the reference layout (index, info, train, valid, test).", HelpName = "DIR",
    };
    private static readonly Option<string?> Dataset = new("--dataset")
    {
        Description = "Data set in that folder, for example Office_Products.", HelpName = "NAME",
    };
    private static readonly Option<string?> Interactions = new("--interactions")
    {
        Description = "Interactions instead: .inter.json, .inter, or text lines 'user item item …'.", HelpName = "FILE",
    };
    private static readonly Option<string?> Index = new("--index")
    {
        Description = "Semantic IDs (.index.json); also replaces those of --data.", HelpName = "FILE",
    };
    private static readonly Option<string?> Items = new("--items")
    {
        Description = "Item texts (.item.json) for --interactions.", HelpName = "FILE",
    };
    private static readonly Option<string?> Split = new("--split")
    {
        Description = "time, leave-one-out or given; given with --data, leave-one-out with --interactions.",
    };
    private static readonly Option<string> Preset = new("--preset")
    {
        Description = $"Sizes and budgets: {string.Join(", ", RecipePreset.Names)}.", DefaultValueFactory = _ => "auto",
    };
    private static readonly Option<double?> Budget = new("--budget")
    {
        Description = "Minutes that the preset auto divides; 60 by default.", HelpName = "MIN",
    };
    private static readonly Option<int> Seed = new("--seed") { Description = "Seed of every stage.", DefaultValueFactory = _ => 42 };
    private static readonly Option<string> Device = new("--device")
    {
        Description = "cpu, cuda or cuda:N.", DefaultValueFactory = _ => "cpu",
    };
    private static readonly Option<bool> SkipRl = new("--skip-rl") { Description = "Stop after supervised training." };
    private static readonly Option<string[]> Baselines = new("--baselines")
    {
        Description = $"Which of these to compare with: {string.Join(", ", RecipeOptions.AllBaselines)}; "
            + $"by default {string.Join(", ", RecipeOptions.DefaultBaselines)}.",
        HelpName = "NAME,…", DefaultValueFactory = _ => [.. RecipeOptions.DefaultBaselines], CustomParser = ReadBaselines,
    };
    private static readonly Option<bool> Retokenize = new("--retokenize")
    {
        Description = "Learn semantic IDs from item text although the data bring some.",
    };
    private static readonly Option<string> Output = new("--output")
    {
        Description = "Folder for the artifacts.", HelpName = "DIR", DefaultValueFactory = _ => "artifacts/amazon-reviews",
    };
    private static readonly Option<string?> Report = new("--report")
    {
        Description = "The report; report.json in the output folder by default.", HelpName = "FILE.json",
    };
    private static readonly Option<string?> Embeddings = new("--embeddings")
    {
        Description =
            "Item vectors that the model reads (.npy, a row per item; FILE.ids.txt beside it may list the ids); "
            + "semantic IDs are learned from them where there are none.",
        HelpName = "FILE.npy",
    };
    private static readonly Option<string> Encoder = new("--encoder")
    {
        Description = "Turns item texts into vectors: tfidf, minilm, or a sentence-transformers folder with an ONNX model.",
        HelpName = "tfidf|minilm|DIR", DefaultValueFactory = _ => "tfidf",
    };
    private static readonly Option<string?> Quantizer = new("--quantizer")
    {
        Description = "Start from a trained quantizer.", HelpName = "DIR",
    };
    private static readonly Option<string?> SftModel = new("--sft-model")
    {
        Description = "Start from a model after supervised training.", HelpName = "DIR",
    };
    private static readonly Option<string?> GrpoModel = new("--grpo-model")
    {
        Description = "Start from a model after GRPO: evaluation only.", HelpName = "DIR",
    };
    private static readonly Option<int?> MaxTestRows = new("--max-test-rows")
    {
        Description = "Evaluate on this many test rows, drawn by the seed.", HelpName = "N",
    };

    /// <summary>Makes the command.</summary>
    /// <param name="run">Runs the recipe and returns the exit code.</param>
    public static RootCommand Create(Func<RecipeData, RecipeOptions, string, CancellationToken, Task<int>> run)
    {
        var command = new RootCommand(
            "Learns semantic IDs, a recommender and its GRPO refinement on a real catalogue, and compares them with simple baselines.");
        Option[] options =
        [
            Data, Dataset, Interactions, Index, Items, Split, Preset, Budget, Seed, Device, SkipRl, Baselines, Retokenize, Output, Report,
            Encoder, Embeddings, Quantizer, SftModel, GrpoModel, MaxTestRows,
        ];
        foreach (var option in options)
        {
            command.Options.Add(option);
        }

        Split.AcceptOnlyFromAmong("time", "leave-one-out", "given");
        Preset.AcceptOnlyFromAmong([.. RecipePreset.Names]);
        command.Validators.Add(Check);
        command.SetAction((line, cancellationToken) => run(ReadData(line), ReadOptions(line), line.GetValue(Encoder)!, cancellationToken));
        return command;
    }

    private static void Check(CommandResult line)
    {
        bool reference = line.GetValue(Data) is not null;
        if (reference == line.GetValue(Interactions) is not null)
        {
            line.AddError("Give either --data with --dataset, or --interactions.");
        }

        if (reference != line.GetValue(Dataset) is not null)
        {
            line.AddError("--data and --dataset go together.");
        }

        if (!reference && line.GetValue(Split) == "given")
        {
            line.AddError("--split given needs --data: an interaction file has no given split.");
        }

        if (reference && line.GetValue(Items) is not null)
        {
            line.AddError("--items belongs to --interactions; --data has its own.");
        }

        if (line.GetValue(Budget) is { } minutes && !(minutes > 0 && minutes <= 1e6))
        {
            line.AddError($"--budget is {minutes}; expected minutes above 0.");
        }

        if (line.GetValue(MaxTestRows) is < 1)
        {
            line.AddError($"--max-test-rows is {line.GetValue(MaxTestRows)}; expected at least 1.");
        }
    }

    private static string[] ReadBaselines(ArgumentResult argument)
    {
        const StringSplitOptions Clean = StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries;
        string[] names = [.. argument.Tokens.SelectMany(token => token.Value.Split(',', Clean))];
        foreach (string name in names.Except(RecipeOptions.AllBaselines, StringComparer.Ordinal))
        {
            argument.AddError($"--baselines: '{name}' is none of {string.Join(", ", RecipeOptions.AllBaselines)}.");
        }

        return names;
    }

    private static RecipeData ReadData(ParseResult line) => new()
    {
        Folder = line.GetValue(Data),
        Dataset = line.GetValue(Dataset),
        Interactions = line.GetValue(Interactions),
        Index = line.GetValue(Index),
        Items = line.GetValue(Items),
        Split = line.GetValue(Split),
    };

    private static RecipeOptions ReadOptions(ParseResult line) => new()
    {
        Preset = RecipePreset.Named(line.GetValue(Preset)!),
        Budget = line.GetValue(Budget) is { } minutes ? TimeSpan.FromMinutes(minutes) : null,
        Seed = line.GetValue(Seed),
        Device = line.GetValue(Device)!,
        SkipReinforcement = line.GetValue(SkipRl),
        Baselines = line.GetValue(Baselines)!,
        Retokenize = line.GetValue(Retokenize),
        Output = line.GetValue(Output)!,
        Report = line.GetValue(Report),
        Embeddings = line.GetValue(Embeddings),
        Quantizer = line.GetValue(Quantizer),
        SftModel = line.GetValue(SftModel),
        GrpoModel = line.GetValue(GrpoModel),
        MaxTestRows = line.GetValue(MaxTestRows),
    };
}
