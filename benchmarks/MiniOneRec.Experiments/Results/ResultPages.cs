namespace MiniOneRec.Experiments;

/// <summary>The pages of <c>benchmarks/results</c>, each made of the runs of one experiment.</summary>
internal static class ResultPages
{
    private const string Program = "dotnet run -c Release --project benchmarks/MiniOneRec.Experiments -- ";

    private static readonly ResultColumn[] Ranking = [new("HR@1", "HR@1"), new("HR@10", "HR@10"), new("NDCG@10", "NDCG@10")];

    private static readonly ResultColumn[] Cutoffs =
    [
        new("HR@3", "HR@3"), new("NDCG@3", "NDCG@3"), new("HR@5", "HR@5"), new("NDCG@5", "NDCG@5"), new("HR@10", "HR@10"),
        new("NDCG@10", "NDCG@10"),
    ];

    /// <summary>Gets the tables, one page each.</summary>
    public static IReadOnlyList<ResultTable> Tables { get; } =
    [
        new("quality", "Quality", Program
                + "quality --preset auto --embeddings DIR/{set}.npy --skip-rl "
                + "--baselines popularity,sequential-rules,text-knn,star,mixture "
                + "--sets Industrial_and_Scientific,Office_Products --seeds 42,43,44",
            run => ModelsOf(run).Select(model => ($"{Text(run, "set")} {model.Replace('.', ' ')}", model + ".")),
            [.. Ranking, new("training, s", "seconds", 0)]),
        new("quality-behaviour", "Quality without text", Program
                + "quality --preset auto --budget 40 --skip-rl --baselines popularity,sequential-rules,item-knn,mixture "
                + "--sets Beauty --seeds 42 (ids alone: --budget 14 --index learned)",
            run => ModelsOf(run).Select(model => (
                $"{Text(run, "set")}{(Text(run, "index") == "learned" ? ", ids alone:" : "")} {model.Replace('.', ' ')}", model + ".")),
            [.. Ranking, new("training, s", "seconds", 0)]),
        new("cold", "Items that training does not hold", Program
                + "cold --embeddings DIR/{set}.npy --sets Industrial_and_Scientific --seeds 42",
            run => ModelsOf(run).Select(model => ($"{Text(run, "set")} {model.Replace('.', ' ')}", model + ".")), [.. Ranking]),
        new("transfer", "A dense head on another catalogue", Program
                + "transfer --embeddings DIR/{set}.npy --from Industrial_and_Scientific --to Office_Products --seeds 42 --width 32",
            run => ModelsOf(run).Select(model => ($"{Text(run, "set")} from {Text(run, "from")} {model}", model + ".")), [.. Ranking]),
        new("baselines", "Baselines", Program + "baselines --datasets Industrial_and_Scientific,Office_Products,Beauty",
            run => [($"{Text(run, "set")} {Text(run, "model")}", "")], [.. Ranking, new("training, s", "seconds", 1)]),
        new("levers", "Options of the small decoder", Program + "alignment --part levers",
            run => [($"{Text(run, "dataSet")} {Text(run, "lever")}", "")],
            [
                new("validation HR@10", "valid.HR@10"), new("NDCG@10", "valid.NDCG@10"), new("test HR@10", "test.HR@10"),
                    new("NDCG@10", "test.NDCG@10"),
                new("training, s", "seconds", 0),
            ]),
        new("reinforcement", "Reinforcement", Program + "reinforcement --work DIR --seeds 1,2 --transfer Office_Products",
            run => [(Text(run, "set") == Text(run, "on") ? $"{Text(run, "set")} {Text(run, "arm")}"
            : $"{Text(run, "set")} on {Text(run, "on")} {Text(run, "arm")}", "")],
            [.. Ranking, new("KL at the end", "kl", 2), new("training, s", "seconds", 0)]),
        new("paper", "Main table", Program + "paper --work DIR",
            run => [($"{Text(run, "set")} {Text(run, "model")}", "")],
            [
                new("HR@3", "HR@3"), new("NDCG@3", "NDCG@3"), new("HR@5", "HR@5"), new("NDCG@5", "NDCG@5"), new("HR@10", "HR@10"),
                new("low", "HR@10.low"), new("high", "HR@10.high"), new("NDCG@10", "NDCG@10"), new("low", "NDCG@10.low"),
                new("high", "NDCG@10.high"), new("SID HR@10", "sid.HR@10"), new("SID NDCG@10", "sid.NDCG@10"),
                new("parameters", "parameters", 0), new("training, s", "training_seconds", 0),
                new("inference, s", "inference_seconds", 0),
            ]),
        new("paper-pairs", "MiniOneRec less each rival", Program + "paper --work DIR",
            run => [($"{Text(run, "set")} {Text(run, "model")}", "")],
            [
                new("HR@10", "HR@10"), new("low", "HR@10.low"), new("high", "HR@10.high"), new("NDCG@10", "NDCG@10"),
                new("low", "NDCG@10.low"), new("high", "NDCG@10.high"), new("SID NDCG@10", "sid.NDCG@10"),
                new("low", "sid.NDCG@10.low"), new("high", "sid.NDCG@10.high"),
            ]),
        new(ScalingPart.Sizes, "Loss against size", Program + "paper --work DIR --part scaling",
            run => [($"{Text(run, "set")} {run.Settings["width"]}×{run.Settings["layers"]}", "")],
            [
                new("parameters", "parameters", 0), new("tokens per parameter", "tokens_per_parameter", 1), new("loss", "loss"),
                new("HR@10", "HR@10"), new("NDCG@10", "NDCG@10"), new("training, s", "training_seconds", 0),
            ]),
        new(ScalingPart.Laws, "L(N) = E + A / N^α", Program + "paper --work DIR --part scaling",
            run => [(Text(run, "set"), "")],
            [
                new("E", "floor"), new("A", "factor", 2), new("α", "exponent", 3), new("low", "exponent.low", 3),
                new("high", "exponent.high", 3), new("largest, measured", "held_out_loss"), new("predicted", "held_out_predicted"),
                new("error", "held_out_error"), new("sizes", "sizes", 0),
            ]),
        new(AblationPart.Experiment, "Ablation", Program + "paper --work DIR --part ablation",
            run => [($"{Text(run, "set")} {Text(run, "arm")}", "")],
            [.. Cutoffs, new("low", "HR@10.low"), new("high", "HR@10.high"), new("training, s", "training_seconds", 0)]),
        new(DataPart.Experiment, "Loss against data", Program + "paper --work DIR --part data",
            run => [($"{Text(run, "set")} {Text(run, "share")}", "")],
            [
                new("loss", "loss"), new("HR@10", "HR@10"), new("NDCG@10", "NDCG@10"), new("tokens", "tokens", 0),
                new("training, s", "training_seconds", 0),
            ]),
        new(TransferPart.Experiment, "Transfer", Program + "paper --work DIR --part transfer",
            run => [($"{Text(run, "from")} to {Text(run, "set")} {Text(run, "model")}", "")],
            [.. Cutoffs, new("low", "HR@10.low"), new("high", "HR@10.high")]),
        new(SemanticIdPart.Experiment, "Semantic IDs through to the test rows", Program + "paper --work DIR --part semantic-ids",
            run => [($"{Text(run, "set")} {Text(run, "quantizer")} {Text(run, "encoder")}".TrimEnd(), "")],
            [
                new("collisions before", "collision_raw", 3), new("after", "collision_final", 3), new("variance left", "unexplained", 3),
                new("ten nearest kept", "overlap10", 3), new("HR@10", "HR@10"), new("NDCG@10", "NDCG@10"),
            ]),
        new(LanguagePart.Experiment, "Pretrained against fresh weights",
            Program + "paper --work DIR --part language --language-model FOLDER",
            run => [($"{Text(run, "set")} {Text(run, "arm")}", "")],
            [.. Cutoffs, new("parameters", "parameters", 0), new("training, s", "training_seconds", 0)]),
        new("semantic-ids", "Semantic IDs", Program + "semantic-ids --datasets industrial,office",
            run => [($"{Text(run, "set")} {Text(run, "quantizer")}", "")],
            [
                new("collisions before", "collision_raw", 3), new("after", "collision_final", 3), new("codes used", "utilisation", 3),
                new("variance left", "unexplained", 3), new("ten nearest kept before", "overlap10_raw", 3), new("after", "overlap10", 3),
                new("processor s", "processor_seconds", 0),
            ]),
    ];

    /// <summary>Writes every page that has a run.</summary>
    /// <param name="store">The runs.</param>
    public static IEnumerable<(string File, string Text)> Write(RunStore store)
    {
        foreach (var table in Tables)
        {
            var runs = store.ReadAll(table.Experiment);
            if (runs.Count > 0)
            {
                string figures = string.Concat(
                    ResultFigures.FilesOf(store, table.Experiment).Select(file => $"\n![{table.Title}]({file})\n"));
                yield return (table.Experiment + ".md",
                    "<!-- Made by `MiniOneRec.Experiments -- tables`; do not edit. -->\n\n" + table.ToMarkdown(runs) + figures);
            }
        }
    }

    private static string Text(RunRecord run, string setting) => (string?)run.Settings[setting] ?? "";

    private static IEnumerable<string> ModelsOf(RunRecord run) =>
        run.Figures.Keys.Where(key => key.EndsWith(".HR@10", StringComparison.Ordinal) && !key.Contains(".sid.", StringComparison.Ordinal))
            .Select(key => key[..^".HR@10".Length]);
}
