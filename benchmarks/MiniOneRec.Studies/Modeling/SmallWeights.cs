using System.Diagnostics;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>What weights of 8 and 4 bits save and cost: time, memory, and answers that change.</summary>
internal static class SmallWeights
{
    /// <summary>Times searches against bfloat16 in turns, and compares resident memory after one search.</summary>
    public static async Task GainAsync(StudyContext context, ServingWeights form, DecoderConfig config, int prompt, int repeats)
    {
        string name = form.ToString().ToLowerInvariant(), folder = Directory.CreateTempSubdirectory("minionerec-weights-").FullName;
        try
        {
            string path = Path.Combine(folder, "model");
            using (var made = new DecoderModel(config))
            {
                made.to(ScalarType.BFloat16);
                await HuggingFaceFolder.SaveAsync(path, made);
            }

            using var noGrad = no_grad();
            var random = new Random(1);
            var (trie, template) = DecodeStudy.Catalogue(random, 10_000);
            using var owned = trie;
            int[] tokens = [.. Enumerable.Range(0, prompt).Select(_ => random.Next(QwenShape.FirstCode))];
            var query = new BeamQuery(tokens);
            var (half, halfBytes) = await LoadAsync(path, ServingWeights.AsStored, query, trie, template);
            using var exact = half;
            var (small, smallBytes) = await LoadAsync(path, form, query, trie, template);
            using var quantized = small;
            context.Report($"{name}.memory_ratio", smallBytes / halfBytes, "x", new { mb = smallBytes / 1e6, bf16_mb = halfBytes / 1e6 });
            foreach (int width in new[] { 50, 16 })
            {
                var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = width, Scoring = BeamScoring.Exact });
                var (slow, fast, gain) = Timing.Ratio(
                    () => search.Search(exact, [query], trie, template), () => search.Search(quantized, [query], trie, template),
                    repeats: Math.Max(3, repeats));
                context.Report(width == 50 ? $"{name}.gain" : $"{name}.w{width}.gain", gain, "x",
                    new { bf16_ms = slow.Median.TotalMilliseconds, ms = fast.Median.TotalMilliseconds });
            }
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    /// <summary>Counts how many of the first ten answers stay, and what that does to HR and NDCG, for a saved recommender; and the first
    /// ten tokens at each place of 64 titles for a language model.</summary>
    public static async Task AnswersAsync(StudyContext context, string folder, string dataset)
    {
        if (folder.Length > 0)
        {
            await RecommendationsAsync(context, folder, dataset);
        }

        var data = await StudyData.LoadAsync(context, dataset);
        Tokens(context, [.. data.Items.Where(item => item.Title.Length > 40).Take(64).Select(item => item.Title)]);
    }

    /// <summary>Makes a decoder of Qwen2.5-7B's shape, keeps its weights in 4 bits, and answers a request.</summary>
    public static void Large(StudyContext context, int layers, int prompt)
    {
        var config = new DecoderConfig
        {
            VocabularySize = QwenShape.FirstCode + 3 * 256, HiddenSize = 3_584, IntermediateSize = 18_944, LayerCount = layers,
            HeadCount = 28, KeyValueHeadCount = 4, RopeTheta = 1e6, TieWordEmbeddings = false,
        };
        using var noGrad = no_grad();
        var clock = Stopwatch.StartNew();
        DecoderModel made;
        using (Weights.WithoutMemory(ScalarType.BFloat16))
        {
            made = new DecoderModel(config);
        }

        using var model = made;
        Fill(model);
        double fill = clock.Elapsed.TotalSeconds;
        model.Quantize(ServingWeights.Int4, only: true);
        context.Report("7b.quantize_s", clock.Elapsed.TotalSeconds - fill, "s", new { layers });
        context.Report("7b.resident_gb", MachineReference.ResidentMegabytes() / 1e3, "GB", new { layers });
        var random = new Random(1);
        var (trie, template) = DecodeStudy.Catalogue(random, 10_000);
        using var owned = trie;
        var query = new BeamQuery([.. Enumerable.Range(0, prompt).Select(_ => random.Next(QwenShape.FirstCode))]);
        var search = new ConstrainedBeamSearch(new BeamSearchOptions { Width = 16, Scoring = BeamScoring.SidOnly });
        var timing = Timing.Measure(() => search.Search(model, [query], trie, template), repeats: 3, warmUp: 1);
        context.Report("7b.answer_s", timing.Median.TotalSeconds, "s", new { layers, prompt, width = 16 });
        context.Report("7b.peak_gb", MachineReference.PeakResidentMegabytes() / 1e3, "GB", new { layers });

        // A prompt and two levels of beams each read all weights of the layers.
        double bytes = 3 * config.NonEmbeddingParameters * (0.5 + 4.0 / Int4Block.Group);
        context.Report("7b.bandwidth_share", bytes / ReadRate() / timing.Median.TotalSeconds, "x", new { layers, bytes });
    }

    // Matrices are windows of one block of random numbers, as if they were pages of a file that holds the model: each becomes memory as
    // its turn to be packed comes. Embedding and head stay in bfloat16.
    private static void Fill(DecoderModel model)
    {
        using var scope = NewDisposeScope();
        var block = randn(1 << 24).mul_(Scalars.Of(0.02)).to_type(ScalarType.BFloat16);
        foreach (var (name, parameter) in model.named_parameters())
        {
            if (parameter.dim() < 2)
            {
                parameter.set_((name.EndsWith("bias", StringComparison.Ordinal) ? zeros(parameter.shape) : ones(parameter.shape))
                    .to_type(ScalarType.BFloat16));
                continue;
            }

            long rows = parameter.size(0), width = parameter.size(1);
            var windows = block.as_strided([rows, width], [Math.Min(width, (block.numel() - width) / rows), 1]);
            parameter.set_(name.Contains("layers", StringComparison.Ordinal) ? windows : windows.contiguous());
        }
    }

    // Bytes per second of reading memory once.
    private static double ReadRate()
    {
        using var scope = NewDisposeScope();
        var memory = zeros(1L << 28, dtype: ScalarType.Float32);
        var timing = Timing.Measure(() => memory.sum().Dispose(), repeats: 5);
        return memory.numel() * 4.0 / timing.Median.TotalSeconds;
    }

    private static Tensor Logits(DecoderModel model, int[][] prompts)
    {
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of(prompts);
        return nn.functional.linear(model.Forward(batch), model.HeadWeight).MoveToOuterDisposeScope();
    }

    private static double Overlap(Tensor exact, Tensor other)
    {
        using var scope = NewDisposeScope();
        var (first, second) = (exact.topk(10, 1).indexes, other.topk(10, 1).indexes);
        return first.unsqueeze(2).eq(second.unsqueeze(1)).any(2).to_type(ScalarType.Float32).mean().item<float>();
    }

    // How far the states after each layer are from the exact ones, as errors of earlier layers add up.
    private static IEnumerable<(int Layer, double Error)> LayerErrors(DecoderModel model, ServingWeights form, int[][] prompts)
    {
        model.Unquantize();
        var exact = States(model, prompts);
        model.Quantize(form, only: false);
        var near = States(model, prompts);
        for (int i = 0; i < exact.Count; i++)
        {
            yield return (i, ((exact[i] - near[i]).norm() / exact[i].norm()).item<float>());
        }
    }

    // Keys and values of a layer's prompt follow from the state before it.
    private static List<Tensor> States(DecoderModel model, int[][] prompts)
    {
        using var batch = TokenBatch.Of(prompts);
        using var cache = new PromptCache();
        model.Forward(batch, cache).Dispose();
        return [.. Enumerable.Range(0, model.Config.LayerCount).Select(layer =>
            cat([cache[layer].PromptKeys.reshape(-1), cache[layer].PromptValues.reshape(-1)]))];
    }

    private static async Task<(DecoderModel Model, double Bytes)> LoadAsync(
        string path, ServingWeights form, BeamQuery query, SemanticIdTrie trie, IPromptTemplate template)
    {
        NativeHeap.Trim();
        double before = MachineReference.ResidentMegabytes();
        var model = await HuggingFaceFolder.LoadDecoderAsync(path);
        if (form == ServingWeights.AsStored)
        {
            model.PackWeights = true;
        }
        else
        {
            model.Quantize(form, only: true);
        }

        new ConstrainedBeamSearch(new BeamSearchOptions { Width = 50, Scoring = BeamScoring.Exact }).Search(model, [query], trie, template);
        NativeHeap.Trim();
        return (model, (MachineReference.ResidentMegabytes() - before) * 1e6);
    }

    private static async Task RecommendationsAsync(StudyContext context, string folder, string dataset)
    {
        var data = await StudyData.LoadAsync(context, dataset);
        var evaluator = new RecommendationEvaluator(new EvaluationOptions { BootstrapSamples = 0 });
        RecommendationRequest[] requests = [.. data.Test.Select(row => new RecommendationRequest { History = row.History, Count = 10 })];
        HashSet<string>[]? exact = null;
        double ndcg = 0;
        foreach (var form in new[] { ServingWeights.Float32, ServingWeights.Int8, ServingWeights.Int4 })
        {
            using var recommender = await GenerativeRecommender.LoadAsync(
                folder, new RecommenderLoadOptions { Scorers = BaselineScorers.Loaders, Configure = options => options.Weights = form });
            var report = await evaluator.EvaluateAsync(recommender, data.Test, context.CancellationToken);
            var answers = await recommender.RecommendAsync(requests, context.CancellationToken);
            HashSet<string>[] sets =
                [.. answers.Select(answer => answer.Items.Select(item => item.ItemId).ToHashSet(StringComparer.Ordinal))];
            if (exact is null)
            {
                (exact, ndcg) = (sets, report["NDCG", 10]);
                continue;
            }

            string name = form.ToString().ToLowerInvariant();
            context.Report($"{name}.overlap", exact.Zip(sets, (a, b) => a.Count(b.Contains) / (double)a.Count).Average(), "",
                new { dataset, rows = requests.Length });
            context.Report($"{name}.ndcg_change", report["NDCG", 10] - ndcg, "", 
                new { dataset, float32 = ndcg, ndcg = report["NDCG", 10], hr = report["HR", 10] });
        }
    }

    private static void Tokens(StudyContext context, string[] texts)
    {
        string file = context.ModelPath("SmolLM2-135M-Instruct/SmolLM2-135M-Instruct.Q4_1.gguf");
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var gguf = GgufFile.Open(file);
        using var model = gguf.LoadDecoder(type: ScalarType.Float32);
        var tokenizer = gguf.ReadTokenizer();
        int[][] prompts = [.. texts.Select(text => tokenizer.Encode(text).ToArray())];
        model.PackWeights = true;
        var exact = Logits(model, prompts);
        foreach (var form in new[] { ServingWeights.Int8, ServingWeights.Int4 })
        {
            string name = form.ToString().ToLowerInvariant();
            model.Quantize(form, only: false);
            var logits = Logits(model, prompts);
            context.Report($"{name}.smollm2.logits_error", ((logits - exact).norm() / exact.norm()).item<float>(), "x",
                new { positions = exact.size(0) });
            context.Report($"{name}.smollm2.overlap", Overlap(exact, logits), "", new { positions = exact.size(0) });
            foreach (var (layer, error) in LayerErrors(model, form, prompts))
            {
                context.Report($"{name}.smollm2.layer_error", error, "x", new { layer });
            }
        }
    }
}
