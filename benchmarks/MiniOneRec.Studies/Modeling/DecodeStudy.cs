using System.Diagnostics;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>What constrained decoding costs, in prefills of the same prompt, at the Qwen2.5-0.5B shape with random weights.</summary>
internal sealed class DecodeStudy : IStudy
{
    public string Name => "decode";

    public string Description =>
        "Beam search in prefills of its prompt, Qwen2.5-0.5B shape. --parts fp32,bf16,trie,small,evaluation,dense,load --prompt 110 "
        + "--layers 24 --repeats 5 --runs 1 --items 10000000 --users 1000 --vectors 384 --pack true; further parts int8,int4, "
        + "answers (--folder MODEL --dataset NAME), 7b (--large-layers 28), dense1m (6 GB of memory)";

    public async Task RunAsync(StudyContext context)
    {
        string parts = context.Option("parts", "fp32,bf16,trie,small,evaluation,dense,load");
        int prompt = context.Option("prompt", 110), layers = context.Option("layers", 24), repeats = context.Option("repeats", 5);
        int items = context.Option("items", 10_000_000), users = context.Option("users", 1_000);
        bool packed = context.Option("pack", true);
        bool single = parts.Contains("fp32", StringComparison.Ordinal), half = parts.Contains("bf16", StringComparison.Ordinal);
        if (single || half)
        {
            Shapes(context, single, half, prompt, layers, repeats, packed);
        }

        if (single && half)
        {
            Gain(context, prompt, layers, packed);
        }

        if (parts.Contains("trie", StringComparison.Ordinal))
        {
            TrieTiming.Report(context, items);
        }

        if (parts.Contains("small", StringComparison.Ordinal))
        {
            Small(context, users, repeats, packed);
        }

        if (parts.Contains("evaluation", StringComparison.Ordinal))
        {
            EvaluationSpeed.Report(context, users, repeats, packed);
        }

        foreach (var form in new[] { ServingWeights.Int8, ServingWeights.Int4 })
        {
            if (parts.Contains(form.ToString(), StringComparison.OrdinalIgnoreCase))
            {
                await SmallWeights.GainAsync(context, form, QwenShape.Of(layers), prompt, repeats);
            }
        }

        if (parts.Contains("answers", StringComparison.Ordinal))
        {
            await SmallWeights.AnswersAsync(context, context.Option("folder", ""), context.Option("dataset", "Industrial_and_Scientific"));
        }

        if (parts.Contains("7b", StringComparison.Ordinal))
        {
            SmallWeights.Large(context, context.Option("large-layers", 28), prompt);
        }

        string[] named = parts.Split(',');
        int vectors = context.Option("vectors", 384);
        if (named.Contains("dense"))
        {
            DenseServing.Ratio(context, Math.Min(users, 320), Math.Max(5, repeats), vectors, packed);
        }

        if (named.Contains("dense1m"))
        {
            DenseServing.Large(context, 1_000_000, vectors, Math.Min(3, repeats));
        }

        if (parts.Contains("load", StringComparison.Ordinal))
        {
            await LoadAsync(context, prompt);
        }
    }

    // From a bfloat16 folder to the first logits, beyond what the same forward pass takes once the model is warm; memory beyond the
    // weights, without the pass.
    private static async Task LoadAsync(StudyContext context, int prompt)
    {
        string folder = Directory.CreateTempSubdirectory("minionerec-load-").FullName;
        try
        {
            using (var made = new DecoderModel(QwenShape.Of(24)))
            {
                made.to(ScalarType.BFloat16);
                await HuggingFaceFolder.SaveAsync(Path.Combine(folder, "model"), made);
            }

            using var noGrad = no_grad();
            double before = MachineReference.ResidentMegabytes(), weights, resident;
            using (var touched = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(folder, "model")))
            {
                // Every weight is read once, so that what is mapped counts, and no forward pass is run.
                foreach (var parameter in touched.parameters())
                {
                    using var largest = parameter.amax(0);
                }

                resident = MachineReference.ResidentMegabytes() - before;
                weights = touched.parameters().Sum(parameter => parameter.numel() * 2.0) / 1e6;
            }

            context.Report("load.extra_memory", Math.Max(0, resident - weights) / weights, "x",
                new { resident_mb = resident, weights_mb = weights });
            int[] tokens = [.. Enumerable.Range(0, prompt)];
            var clock = Stopwatch.StartNew();
            using var model = await HuggingFaceFolder.LoadDecoderAsync(Path.Combine(folder, "model"));
            Prefill(model, tokens);
            double first = clock.Elapsed.TotalSeconds;
            var warm = Timing.Measure(() => Prefill(model, tokens), repeats: 3);
            context.Report("load.first_logits_s", first - warm.Median.TotalSeconds, "s",
                new { weights_mb = weights, forward_s = warm.Median.TotalSeconds });
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    // Runs of both types in turns, each with a model of its own, and the medians over the runs.
    private static void Shapes(StudyContext context, bool single, bool half, int prompt, int layers, int repeats, bool packed)
    {
        int runs = context.Option("runs", 1);
        string[] searches = ["sid.w16", "exact.w16", "sid.w50", "exact.w50"];
        string[] columns = [.. searches, "exact.w50.limit_ratio", "prefill_ms"];
        var table = new RunTable(columns);
        for (int run = 1; run <= runs; run++)
        {
            foreach (var (wanted, type, prefix) in new[] { (single, ScalarType.Float32, ""), (half, ScalarType.BFloat16, "bf16.") })
            {
                if (wanted)
                {
                    var found = Shape(context, type, prefix, prompt, layers, repeats, packed);
                    table.Add(type == ScalarType.Float32 ? "float32" : "bfloat16", [.. columns.Select(column => found[column])]);
                }
            }
        }

        foreach (var (kind, count, values) in table.Medians().Where(kind => kind.Runs > 1))
        {
            foreach (var (column, value) in columns.Zip(values))
            {
                string unit = column == "prefill_ms" ? "ms" : searches.Contains(column) ? "prefills" : "x";
                context.Report($"{(kind == "float32" ? "" : "bf16.")}{column}.median", value, unit, new { runs = count });
            }
        }

        foreach (string line in table.Markdown())
        {
            context.Log(line);
        }
    }

    private static Dictionary<string, double> Shape(
        StudyContext context, ScalarType type, string prefix, int prompt, int layers, int repeats, bool packed)
    {
        var found = new Dictionary<string, double>();
        using var noGrad = no_grad();
        var config = QwenShape.Of(layers);
        using var model = Model(layers, type, packed);
        var random = new Random(1);
        var (trie, template) = Catalogue(random, 10_000);
        int[] tokens = [.. Enumerable.Range(0, prompt).Select(_ => random.Next(QwenShape.FirstCode))];
        double flops = MachineReference.GemmFlops(512, 896, 4_864, type);
        using var owned = trie;

        var prefill = Timing.Measure(() => Prefill(model, tokens), repeats: repeats);
        double unit = prefill.Median.TotalSeconds;
        context.Report($"{prefix}prefill_ms", unit * 1e3, "ms", new { prompt, layers });
        found["prefill_ms"] = unit * 1e3;
        int[] longer = [.. Enumerable.Range(0, 512).Select(_ => random.Next(QwenShape.FirstCode))];
        var wide = Timing.Measure(() => Prefill(model, longer), repeats: 3);
        double needed = 2.0 * (config.NonEmbeddingParameters * 512 + (double)config.VocabularySize * config.HiddenSize)
            + 4.0 * layers * config.HiddenSize * 512 * 512 / 2;
        double packedFlops = PackedProducts.Flops(512, 896, 4_864, type);
        context.Report($"{prefix}prefill_efficiency", needed / wide.Median.TotalSeconds / flops, "x",
            new { tokens = 512, gemm_gflops = flops / 1e9 });
        context.Report($"{prefix}prefill_efficiency.packed", needed / wide.Median.TotalSeconds / packedFlops, "x",
            new { tokens = 512, gemm_gflops = packedFlops / 1e9 });
        model.PackWeights = false;
        var plain = Timing.Measure(() => Prefill(model, tokens), repeats: repeats);
        context.Report($"{prefix}pack_gain", plain.Median.TotalSeconds / unit, "x", new { plain_ms = plain.Median.TotalMilliseconds });
        model.PackWeights = packed;

        foreach (int width in new[] { 16, 50 })
        {
            foreach (var (name, scoring, closing) in new[] { ("sid", BeamScoring.SidOnly, 0), ("exact", BeamScoring.Exact, 2 * width) })
            {
                var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = width, Scoring = scoring });
                var query = new BeamQuery(tokens);
                var (timing, beside, prefills) = Timing.Ratio(
                    () => search.Search(model, [query], trie, template), () => Prefill(model, tokens), repeats: Math.Max(3, repeats));
                double limit = (prompt + 2.0 * width + closing) / prompt;
                found[$"{name}.w{width}"] = prefills;
                context.Report($"{prefix}{name}.w{width}.prefills", prefills, "prefills",
                    new { limit, search_ms = timing.Median.TotalMilliseconds, prefill_ms = beside.Median.TotalMilliseconds });
                if (scoring == BeamScoring.Exact && width == 50)
                {
                    context.Report($"{prefix}exact.w50.limit_ratio", found["exact.w50.limit_ratio"] = prefills / limit, "x");
                    context.Report($"{prefix}constraint_share",
                        TrieTiming.SearchSeconds(trie, width) / (timing.Median - beside.Median).TotalSeconds, "x");
                }
            }
        }

        return found;
    }

    // Prefills of both types in turns: the machine's speed changes within minutes.
    private static void Gain(StudyContext context, int prompt, int layers, bool packed)
    {
        using var noGrad = no_grad();
        using DecoderModel single = Model(layers, ScalarType.Float32, packed), half = Model(layers, ScalarType.BFloat16, packed);
        int[] tokens = [.. Enumerable.Range(0, prompt)];
        var (slow, fast, gain) = Timing.Ratio(() => Prefill(single, tokens), () => Prefill(half, tokens));
        context.Report("bf16.prefill_gain", gain, "x",
            new { fp32_ms = slow.Median.TotalMilliseconds, bf16_ms = fast.Median.TotalMilliseconds });
    }

    private static DecoderModel Model(int layers, ScalarType type, bool packed)
    {
        var model = new DecoderModel(QwenShape.Of(layers));
        model.to(type);
        model.eval();
        model.PackWeights = packed;
        return model;
    }

    private static void Prefill(DecoderModel model, int[] tokens)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([tokens]);
        using var cache = new PromptCache();
        model.Logits(model.Forward(batch, cache).narrow(0, tokens.Length - 1, 1));
    }

    private static void Small(StudyContext context, int users, int repeats, bool packed)
    {
        using var noGrad = no_grad();
        const int Prompt = 31, Batch = 32, Width = 50;
        var random = new Random(7);
        var index = new SemanticIdIndex(Enumerable.Range(0, 4_000).Select(i =>
            KeyValuePair.Create($"{i}", new SemanticId(random.Next(256), random.Next(256), random.Next(256)))), [256, 256, 256]);
        var template = new CompactTemplate([256, 256, 256]);
        using var trie = new SemanticIdTrie(index);
        using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 256, 4, 4));
        model.eval();
        model.PackWeights = packed;
        var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = Width });
        int[][] prompts =
            [.. Enumerable.Range(0, users).Select(_ => Enumerable.Range(0, Prompt).Select(_ => 8 + random.Next(768)).ToArray())];
        var prefill = Timing.Measure(
            () =>
            {
                foreach (var chunk in prompts.Chunk(Batch))
                {
                    using var scope = NewDisposeScope();
                    using var batch = TokenBatch.Of(chunk);
                    using var cache = new PromptCache();
                    model.Logits(model.Forward(batch, cache).narrow(0, 0, chunk.Length));
                }
            },
            repeats: Math.Min(3, repeats));
        var whole = Timing.Measure(
            () =>
            {
                foreach (var chunk in prompts.Chunk(Batch))
                {
                    search.Search(model, [.. chunk.Select(prompt => new BeamQuery(prompt))], trie, template);
                }
            },
            repeats: Math.Min(3, repeats));
        double limit = (Prompt + 2.0 * Width) / Prompt;
        context.Report("small.limit_ratio", whole.Median / prefill.Median / limit, "x",
            new { users, width = Width, prompt = Prompt, batch = Batch });
        context.Report("small.users_per_s", users / whole.Median.TotalSeconds, "1/s");
    }

    internal static (SemanticIdTrie Trie, IPromptTemplate Template) Catalogue(Random random, int items)
    {
        var codes = new int[items * 3];
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = random.Next(256);
        }

        return (SemanticIdTrie.FromCodes(codes, 3), new GridTemplate(QwenShape.FirstCode, [198, 151_645]));
    }
}
