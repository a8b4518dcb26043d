using System.CommandLine;
using System.Globalization;
using MiniOneRec.Cli.Output;
using MiniOneRec.Datasets;
using MiniOneRec.Datasets.DuckDb;
using MiniOneRec.Recipes;

namespace MiniOneRec.Cli.Settings;

/// <summary>The options of commands that read data and train: each stands above the settings file.</summary>
internal static class RunOptions
{
    private static readonly Option<string?> SettingsPath = new(
        "--settings") { Description = $"Settings; {SettingsFile.DefaultName} in the working folder by default.", HelpName = "FILE.json" };

    private static readonly (Option<string?> Option, string Key)[] Data =
    [
        (new("--data") { Description = "Folder in the reference layout (index, info, train, valid, test).", HelpName = "DIR" },
            "Data:Folder"),
        (new("--dataset") { Description = "Data set in that folder.", HelpName = "NAME" }, "Data:Dataset"),
        (new("--interactions") { Description = "File of interactions: .inter.json, .inter, or text lines 'user item item …'.",
        HelpName = "FILE" }, "Data:Interactions"),
        (new("--prepared") { Description = "Folder that the command prepare wrote.", HelpName = "DIR" }, "Data:Prepared"),
        (new("--items") { Description = "File of item texts.", HelpName = "FILE" }, "Data:Items"),
        (new("--index") { Description = "File of semantic IDs.", HelpName = "FILE.index.json" }, "Data:Index"),
        (new("--split") { Description = "time, leave-one-out, given, or for a log also ratio or none." }, "Data:Split"),
    ];

    private static readonly (Option<string?> Option, string Key)[] Training =
    [
        (new("--preset") { Description = $"Sizes and budgets: {string.Join(", ", RecipePreset.Names)}." }, "Preset"),
        (new("--device") { Description = "cpu, cuda or cuda:N." }, "Recipe:Device"),
        (new("--output", "-o") { Description = "Folder of the run.", HelpName = "DIR" }, "Recipe:Output"),
        (new("--embeddings") { Description = "Text vectors (.npy, one row per item).", HelpName = "FILE" }, "Recipe:Embeddings"),
        (TextEncoders.Option("TF-IDF by default"), "Encoder"),
    ];

    private static readonly Option<int?> Seed = new("--seed") { Description = "Seed of every stage." };

    private static readonly Option<bool> Retokenize =
        new("--retokenize") { Description = "Learn semantic IDs although the data bring some." };

    private static readonly Option<bool> Restart = new("--restart") { Description =
        "Begin anew in a folder that holds a run; without it, the same command continues that run." };

    private static readonly Option<string?> Budget = new("--budget") { Description =
        "Time that the trainings may take together with the rest, for example 90s, 10m or 1h30m.", HelpName = "TIME" };

    /// <summary>Adds the options of data and training.</summary>
    public static void AddTo(Command command)
    {
        AddDataTo(command);
        foreach (var (option, _) in Training)
        {
            command.Options.Add(option);
        }

        Training[0].Option.CompletionSources.Clear();
        Training[0].Option.CompletionSources.Add([.. RecipePreset.Names]);
        command.Options.Add(Seed);
        command.Options.Add(Retokenize);
        command.Options.Add(Budget);
        command.Options.Add(Restart);
    }

    /// <summary>Returns whether a command line asks for a new start.</summary>
    public static bool Restarts(ParseResult line) => line.GetValue(Restart);

    /// <summary>Adds the options of data.</summary>
    public static void AddDataTo(Command command)
    {
        command.Options.Add(SettingsPath);
        foreach (var (option, _) in Data)
        {
            command.Options.Add(option);
        }

        SourceOptions.AddTo(command);
    }

    /// <summary>Reads the settings that a command line asks for.</summary>
    /// <param name="line">The command line.</param>
    /// <param name="more">Settings of the command itself.</param>
    public static RunSettings Read(ParseResult line, params IEnumerable<KeyValuePair<string, string?>> more)
    {
        var given = Data.Concat(Training).Where(entry => Has(line, entry.Option))
            .Select(entry => KeyValuePair.Create(entry.Key, line.GetValue(entry.Option)));
        if (Has(line, Seed) && line.GetValue(Seed) is { } seed)
        {
            given = given.Append(KeyValuePair.Create("Recipe:Seed", (string?)seed.ToString(CultureInfo.InvariantCulture)));
        }

        if (Has(line, Retokenize) && line.GetValue(Retokenize))
        {
            given = given.Append(KeyValuePair.Create("Recipe:Retokenize", (string?)"true"));
        }

        if (Has(line, Budget) && line.GetValue(Budget) is { } budget)
        {
            given = given.Append(KeyValuePair.Create("Recipe:Budget", (string?)Duration.Parse(budget, "--budget")
                .ToString("c", CultureInfo.InvariantCulture)));
        }

        var settings = SettingsFile.Read(line.GetValue(SettingsPath), SourceOptions.Redirect(line, given.Concat(more)));
        SourceOptions.RequireLog(line, settings);
        return settings;
    }

    /// <summary>Loads the data that settings name; a log is prepared first.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="prepared">The folder for the prepared log, or <see langword="null"/> to keep it in memory.</param>
    /// <param name="observer">Told of guesses and steps.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="ArgumentException">No data is named.</exception>
    public static async Task<SplitDataset> LoadAsync(RunSettings settings, string? prepared, IRecipeObserver observer,
        CancellationToken cancellationToken)
    {
        var data = settings.Data;
        if (settings.HasSource)
        {
            var source = new DuckDbInteractionSource(settings.Source);
            var watch = new PreparationProgress(observer);
            if (prepared is null)
            {
                return await WithIndexAsync(await source.LoadAsync(settings.Preparation, watch, cancellationToken), data.Index,
                    cancellationToken);
            }

            await PreparedOnce.SaveAsync(source, settings, prepared, watch, cancellationToken);
        }

        return await ReadAsync(settings, prepared, cancellationToken);
    }

    /// <summary>Reads the data that settings name; a log must be prepared.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="prepared">The folder of the prepared log.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <inheritdoc cref="LoadAsync" path="/exception"/>
    public static async Task<SplitDataset> ReadAsync(RunSettings settings, string? prepared, CancellationToken cancellationToken)
    {
        var data = settings.Data;
        if ((settings.HasSource ? prepared : data.Prepared) is { } folder)
        {
            var set = await PreparedDataset.LoadAsync(folder, cancellationToken: cancellationToken);
            return await WithIndexAsync(await set.ToSplitDatasetAsync(cancellationToken), data.Index, cancellationToken);
        }

        if (data.Folder is null && data.Interactions is null)
        {
            throw new ArgumentException(
                "No data is named: give --input FILE, --prepared DIR, --interactions FILE, or --data DIR with --dataset NAME.");
        }

        return await new RecipeData
        {
            Folder = data.Folder, Dataset = data.Dataset, Interactions = data.Interactions, Index = data.Index, Items = data.Items,
                Split = data.Split,
        }.LoadAsync(cancellationToken);
    }

    private static async Task<SplitDataset> WithIndexAsync(SplitDataset data, string? index, CancellationToken cancellationToken) =>
        index is null ? data
        : data with { Index = await SemanticIdIndex.LoadAsync(index, requireUniformDepth: true, cancellationToken: cancellationToken) };

    private static bool Has(ParseResult line, Option option) => line.GetResult(option) is { Implicit: false };
}
