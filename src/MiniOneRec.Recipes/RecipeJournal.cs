using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;

namespace MiniOneRec.Recipes;

/// <summary>What a run has finished, kept in its folder so that a later run of the same recipe continues there.</summary>
/// <remarks>
/// <c>journal.json</c> holds the settings, a fingerprint of the data, the finished stages and their times. The folder <c>checkpoints</c>
/// holds what only an unfinished run needs: the trainers' checkpoints, the report so far, and the ranks of the latest evaluation.
/// </remarks>
internal sealed class RecipeJournal
{
    /// <summary>The stage after which nothing is left to do.</summary>
    public const string LastStage = "report";

    private const string FileName = "journal.json", Kind = "recipe-journal", CheckpointFolder = "checkpoints";
    private readonly string _output;
    private readonly JsonObject _settings;
    private readonly string _data;
    private readonly HashSet<string> _finished = new(StringComparer.Ordinal);
    private bool _follows;

    private RecipeJournal(string output, bool isKept, JsonObject settings, string data)
    {
        (_output, IsKept, _settings, _data) = (output, isKept, settings, data);
        Checkpoints = Path.Combine(output, CheckpointFolder);
    }

    /// <summary>Gets whether the run can be continued.</summary>
    public bool IsKept { get; }

    // The first of several processes writes; the others know what it knew when the run began.
    private bool Writes => IsKept && !_follows;

    /// <summary>Gets the seconds by stage of this and of earlier runs, in order.</summary>
    public Dictionary<string, double> Seconds { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets what stages before the first report leave to it, by name; kept with the finished stages.</summary>
    public Dictionary<string, JsonNode> Details { get; } = new(StringComparer.Ordinal);

    /// <summary>Gets the report of earlier runs, or <see langword="null"/>.</summary>
    public ComparisonReport? Earlier { get; private set; }

    /// <summary>Gets or sets what makes the report as it stands.</summary>
    public Func<ComparisonReport>? Report { get; set; }

    /// <summary>Gets the folder of what only an unfinished run needs.</summary>
    public string Checkpoints { get; }

    /// <summary>Gets the ranks of the latest evaluation of an earlier run, or <see langword="null"/>.</summary>
    public EvaluationReport? LatestRanks { get; private set; }

    private string RanksFile => Path.Combine(Checkpoints, "ranks.json");

    private string ReportFile => Path.Combine(Checkpoints, "report.json");

    /// <summary>Opens the journal of a recipe's folder; without <see cref="RecipeOptions.Resume"/> an earlier one is deleted.</summary>
    /// <param name="options">The recipe's options.</param>
    /// <param name="data">The data.</param>
    /// <param name="encoder">The name of the text encoder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The folder's run has other settings, other data, or another version; the message says
    /// which.</exception>
    public static async Task<RecipeJournal> OpenAsync(
        RecipeOptions options, SplitDataset data, string encoder, CancellationToken cancellationToken)
    {
        if (!options.Resume)
        {
            Delete(options.Output);
            return new RecipeJournal(options.Output, isKept: false, [], "");
        }

        var journal = new RecipeJournal(options.Output, isKept: true, Settings(options, encoder),
            await RecipeFingerprint.OfAsync(data, options.Embeddings, cancellationToken).ConfigureAwait(false));
        string path = Path.Combine(options.Output, FileName);
        if (File.Exists(path))
        {
            await journal.ReadAsync(path, cancellationToken).ConfigureAwait(false);
        }
        else
        {
            await journal.SaveAsync(cancellationToken).ConfigureAwait(false);
        }

        return journal;
    }

    /// <summary>Makes the journal of a process that is not the first; it writes nothing.</summary>
    /// <param name="options">The recipe's options.</param>
    /// <param name="known">What the first process knows.</param>
    public static RecipeJournal Following(RecipeOptions options, JournalFacts known)
    {
        var journal = new RecipeJournal(options.Output, options.Resume, [], "") { _follows = true };
        journal._finished.UnionWith([.. known.Finished, "embeddings"]);         // the first process has written them
        foreach (var (stage, time) in known.Seconds)
        {
            journal.Seconds[stage] = time;
        }

        return journal;
    }

    /// <summary>Gets what other processes need to know of the journal.</summary>
    public JournalFacts Known => new([.. _finished], new Dictionary<string, double>(Seconds));

    /// <summary>Deletes the journal of a folder and its checkpoints, so that the next run begins anew.</summary>
    public static void Delete(string output)
    {
        string path = Path.Combine(output, FileName), checkpoints = Path.Combine(output, CheckpointFolder);
        if (File.Exists(path))
        {
            if (Directory.Exists(checkpoints))
            {
                Directory.Delete(checkpoints, recursive: true);
            }

            File.Delete(path);
        }
    }

    /// <summary>Returns whether an earlier run, or this one, has finished a stage.</summary>
    public bool Has(string stage) => _finished.Contains(stage);

    /// <summary>Gets where a trainer keeps its checkpoints.</summary>
    public CheckpointOptions CheckpointsOf(string stage) => new() { Folder = IsKept ? Path.Combine(Checkpoints, stage) : null };

    /// <summary>Notes that a stage is finished and deletes its checkpoints.</summary>
    public async Task FinishAsync(string stage, CancellationToken cancellationToken)
    {
        if (!IsKept)
        {
            return;
        }

        _finished.Add(stage);
        if (!Writes)
        {
            return;
        }

        await SaveAsync(cancellationToken).ConfigureAwait(false);
        string checkpoints = stage == LastStage ? Checkpoints : Path.Combine(Checkpoints, stage);
        if (Directory.Exists(checkpoints))
        {
            Directory.Delete(checkpoints, recursive: true);
        }
    }

    /// <summary>Keeps the ranks of an evaluation, with which a later one is compared.</summary>
    public async Task KeepRanksAsync(EvaluationReport report, CancellationToken cancellationToken)
    {
        if (Writes)
        {
            var ranks = new StoredRanks(report.Name, report.Cutoffs, report.Ranks);
            await AtomicFile.WriteTextAsync(RanksFile, JsonSerializer.Serialize(ranks, JsonSerializerOptions.Web), cancellationToken)
                .ConfigureAwait(false);
            await SaveAsync(cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Writes the journal, and the report as it stands.</summary>
    public async Task SaveAsync(CancellationToken cancellationToken)
    {
        if (!Writes)
        {
            return;
        }

        if (Report is not null && !_finished.Contains(LastStage))
        {
            await Report().SaveAsync(ReportFile, cancellationToken).ConfigureAwait(false);
        }

        var manifest = new ArtifactManifest
        {
            Kind = Kind,
            MadeFrom = new Dictionary<string, string> { ["data"] = _data },
            Options = new JsonObject
            {
                ["settings"] = _settings.DeepClone(),
                ["finished"] = new JsonArray([.. _finished.Select(stage => (JsonNode)stage)]),
                ["seconds"] = new JsonObject([.. Seconds.Select(stage => KeyValuePair.Create(stage.Key, (JsonNode?)stage.Value))]),
                ["details"] = new JsonObject([.. Details.Select(one => KeyValuePair.Create(one.Key, (JsonNode?)one.Value.DeepClone()))]),
            },
        };
        await manifest.SaveAsync(Path.Combine(_output, FileName), cancellationToken).ConfigureAwait(false);
    }

    private async Task ReadAsync(string path, CancellationToken cancellationToken)
    {
        var manifest = await ArtifactManifest.LoadAsync(path, Kind, cancellationToken).ConfigureAwait(false);
        string here = new ArtifactManifest { Kind = Kind }.LibraryVersion;
        if (manifest.LibraryVersion != here)
        {
            throw Refused($"belongs to version {manifest.LibraryVersion}, and this is version {here}");
        }

        if (manifest.Options["settings"] is not JsonObject settings || manifest.Options["finished"] is not JsonArray finished
            || manifest.Options["seconds"] is not JsonObject seconds)
        {
            throw new InvalidDataException($"Journal '{path}': key 'options' lacks 'settings', 'finished' or 'seconds'.");
        }

        string[] differences = [.. Differences(settings, _settings, "")];
        if (differences.Length > 0)
        {
            throw Refused($"has other settings: {string.Join("; ", differences)}");
        }

        if (manifest.MadeFrom.GetValueOrDefault("data") != _data)
        {
            throw Refused("was made from other data");
        }

        _finished.UnionWith(finished.Select(stage => (string)stage!));
        foreach (var (stage, time) in seconds)
        {
            Seconds[stage] = (double)time!;
        }

        foreach (var (name, value) in manifest.Options["details"] as JsonObject ?? [])
        {
            Details[name] = value!.DeepClone();
        }

        if (!Has(LastStage) && File.Exists(ReportFile))
        {
            Earlier = await ComparisonReport.LoadAsync(ReportFile, cancellationToken).ConfigureAwait(false);
            LatestRanks = File.Exists(RanksFile) ? await ReadRanksAsync(cancellationToken).ConfigureAwait(false) : null;
        }
    }

    private async Task<EvaluationReport> ReadRanksAsync(CancellationToken cancellationToken)
    {
        try
        {
            byte[] json = await File.ReadAllBytesAsync(RanksFile, cancellationToken).ConfigureAwait(false);
            var ranks = JsonSerializer.Deserialize<StoredRanks>(json, JsonSerializerOptions.Web)!;
            return new EvaluationReport
            {
                Name = ranks.Name, Examples = ranks.Ranks.Count, Cutoffs = ranks.Cutoffs, Ranks = ranks.Ranks,
                    Item = new MetricTable(new Dictionary<string, double>()),
            };
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"'{RanksFile}': {e.Message}", e);
        }
    }

    private InvalidDataException Refused(string why) => new(
        $"The run in folder '{_output}' {why}. Give another folder (Output, --output), or begin anew: Recipe.Forget, --restart.");

    /// <summary>Lists the settings of a run; where results lie changes none of them.</summary>
    public static JsonObject Settings(RecipeOptions options, string encoder)
    {
        var json = JsonSerializer.SerializeToNode(options, JsonSerializerOptions.Web)!.AsObject();
        foreach (string key in (string[])["output", "report", "resume"])
        {
            json.Remove(key);
        }

        foreach (string key in (string[])["embeddings", "quantizer", "sftModel", "grpoModel"])
        {
            json[key] = (string?)json[key] is { } path ? Path.GetFullPath(path) : null;
        }

        json["encoder"] = encoder;
        return JsonNode.Parse(json.ToJsonString())!.AsObject();
    }

    private static IEnumerable<string> Differences(JsonNode? there, JsonNode? here, string key)
    {
        if (there is JsonObject before && here is JsonObject now)
        {
            return before.Select(pair => pair.Key).Union(now.Select(pair => pair.Key)).SelectMany(name =>
                Differences(before[name], now[name], key.Length == 0 ? name : $"{key}.{name}"));
        }

        return JsonNode.DeepEquals(there, here) ? []
            : [$"{key} ({there?.ToJsonString() ?? "none"} there, {here?.ToJsonString() ?? "none"} here)"];
    }

    private sealed record StoredRanks(string Name, IReadOnlyList<int> Cutoffs, IReadOnlyList<RankedExample> Ranks);
}

/// <summary>What the processes of a run share of its journal.</summary>
/// <param name="Finished">The stages that are finished.</param>
/// <param name="Seconds">The seconds by stage.</param>
internal sealed record JournalFacts(string[] Finished, Dictionary<string, double> Seconds);
