using System.Text.Json.Nodes;
using MiniOneRec.Evaluation;
using MiniOneRec.Recipes;

namespace MiniOneRec.Experiments;

/// <summary>The recipe on real data: every model of its report, by data set and seed.</summary>
internal sealed class QualityStudy : IStudy
{
    public string Name => "quality";

    public string Description =>
        "The recipe on real data. --work artifacts/experiments (runs and artifacts, kept) "
        + "--sets Industrial_and_Scientific,Office_Products,Beauty --seeds 42,43,44 "
        + "--preset default (Beauty: sparse) --embeddings FILE.npy ({set} stands for the data set's name) "
        + "--artifacts DIR (by default that of the runs) --sft-models DIR (starts from DIR/SET-SEED/sft) --skip-rl "
        + "--baselines popularity,sequential-rules,item-knn,sasrec --test-rows 0 (all) --budget 0 (minutes of a "
        + "run; none) --index given (or learned, though one came with the data) "
        + "--width 0 --epochs 0 --teacher -1 (those of the preset) --device cpu";

    public async Task RunAsync(StudyContext context)
    {
        string work = context.Option("work", Path.Combine("artifacts", "experiments")), device = context.Option("device", "cpu");
        string preset = context.Option("preset", "default");
        string embeddings = context.Option("embeddings", ""), artifacts = context.Option("artifacts", work);
        string started = context.Option("sft-models", "");
        bool skip = context.Option("skip-rl", false);
        int rows = context.Option("test-rows", 0);
        double budget = context.Option("budget", 0.0);
        string index = context.Option("index", "given");
        if (index is not ("given" or "learned"))
        {
            throw new ArgumentException($"--index is '{index}'; expected given or learned.");
        }

        bool learned = index == "learned";
        int width = context.Option("width", 0), epochs = context.Option("epochs", 0);
        double teacher = context.Option("teacher", -1.0);
        var baselines = context.Options("baselines", [.. RecipeOptions.DefaultBaselines]);
        var store = new RunStore(work);
        foreach (string set in context.Options("sets", "Industrial_and_Scientific", "Office_Products", "Beauty"))
        {
            foreach (int seed in context.Options("seeds", 42, 43, 44))
            {
                string name = learned ? $"{set}-learned-{seed}" : $"{set}-{seed}";
                string chosen = set == "Beauty" && preset == "default" ? "sparse" : preset;
                var options = new RecipeOptions
                {
                    Preset = Sized(RecipePreset.Named(chosen), width, epochs, teacher), Seed = seed, Device = device,
                    SkipReinforcement = skip || chosen == "sparse", Baselines = baselines,
                    MaxTestRows = rows == 0 ? null : rows, Output = Path.Combine(artifacts, "quality", name),
                    Budget = budget == 0 ? null : TimeSpan.FromMinutes(budget),
                    Embeddings = embeddings.Length == 0 ? null : embeddings.Replace("{set}", set, StringComparison.Ordinal),
                    SftModel = started.Length == 0 ? null : Path.Combine(started, name, "sft"),
                };
                var settings = new JsonObject
                {
                    ["set"] = set, ["seed"] = seed, ["preset"] = chosen, ["skipReinforcement"] = options.SkipReinforcement,
                        ["testRows"] = rows,
                    ["vectors"] = options.Embeddings is null ? null : Path.GetFileName(options.Embeddings),
                    ["baselines"] = new JsonArray([.. baselines.Select(baseline => (JsonNode)baseline)]),
                };
                if (started.Length > 0)
                {
                    settings["startedFromSft"] = true;
                }

                if (learned)
                {
                    settings["index"] = index;
                }

                if (width > 0 || epochs > 0 || teacher >= 0)
                {
                    settings["sizes"] = FormattableString.Invariant($"width {width}, epochs {epochs}, teacher {teacher}");
                }

                if (budget > 0)
                {
                    settings["budgetMinutes"] = budget;
                }

                var run =
                    await store.GetAsync(embeddings.Length == 0 ? "quality-behaviour" : "quality", name, settings,
                        () => MakeAsync(context, set, learned, options), context.CancellationToken);
                foreach (var (figure, value) in run.Figures)
                {
                    context.Report($"{name}.{figure}", value, figure.EndsWith("seconds", StringComparison.Ordinal) ? "s" : "");
                }
            }
        }
    }

    private static RecipePreset Sized(RecipePreset preset, int width, int epochs, double teacher) => preset with
    {
        HiddenSize = width > 0 ? width : preset.HiddenSize,
        SftEpochs = epochs > 0 ? epochs : preset.SftEpochs,
        TeacherShare = teacher >= 0 ? teacher : preset.TeacherShare,
        TeacherBranches = teacher == 0 ? 0 : preset.TeacherBranches,
    };

    private static async Task<RunOutcome> MakeAsync(StudyContext context, string set, bool learned, RecipeOptions options)
    {
        var data = await StudyData.LoadAsync(context, set, RecipePreset.MaxHistory);
        data = learned ? data with { Index = null } : data;
        using var result = await new Recipe(options).RunAsync(data, new Observer(context), context.CancellationToken);
        return new RunOutcome(Figures(result.Report)) { Device = options.Device };
    }

    /// <summary>Lists the figures of a report: of each model over all rows, without the most frequent target, and over cold
    /// targets.</summary>
    internal static Dictionary<string, double> Figures(ComparisonReport report)
    {
        var figures = new Dictionary<string, double>();
        foreach (var model in report.Models)
        {
            foreach (var (group, values) in new (string, IReadOnlyDictionary<string, double>?)[]
                { ("", model.Item), ("without-top.", model.WithoutTopTarget?.Item.Values), ("cold.", model.Cold?.Item.Values) })
            {
                foreach (var (key, value) in values ?? new Dictionary<string, double>())
                {
                    figures[$"{model.Name}.{group}{key}"] = value;
                }
            }

            figures[$"{model.Name}.seconds"] = model.Seconds;
        }

        return figures;
    }

    internal sealed class Observer(StudyContext context) : IRecipeObserver
    {
        public void OnMessage(string text) => context.Log(text);
    }
}
