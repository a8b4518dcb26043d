using System.Diagnostics;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>What a kept prompt saves a request whose history grew by one item.</summary>
internal static class ServeIncremental
{
    public static async Task RunAsync(StudyContext context)
    {
        int layers = context.Option("incremental-layers", 24), repeats = context.Option("incremental-repeats", 5),
            prompt = context.Option("prompt", 110);
        var widths = context.Options("incremental-beams", 10, 50);
        var random = new Random(1);
        var index = new SemanticIdIndex(
            Enumerable.Range(0, 10_000).Select(i => KeyValuePair.Create($"{i}", new SemanticId(random.Next(256), random.Next(256),
                random.Next(256)))),
            [256, 256, 256]);
        int items = (prompt - 2) / 3;                               // codes of a history after two tokens
        var template = new GridTemplate(QwenShape.FirstCode, [198], opening: [.. Enumerable.Range(0, prompt - (3 * items))]);
        torch.random.manual_seed(1);
        using var model = new SemanticIdModel(new DecoderModel(QwenShape.Of(layers)), template, index) { MaxHistoryItems = items };
        foreach (int width in widths)
        {
            RecommenderOptions Options(int megabytes) => new()
            {
                BeamWidth = width, MaxHistoryItems = items, MaxWaitMilliseconds = 0, PromptCacheMegabytes = megabytes,
            };
            using var whole = new GenerativeRecommender(model, Options(0));
            using var reusing = new GenerativeRecommender(model, Options(256));
            var (without, with) = (new List<double>(), new List<double>());
            for (int repeat = -1; repeat < repeats; repeat++)       // the first one warms up
            {
                string[] history = [.. Enumerable.Range(0, items).Select(_ => $"{random.Next(index.Count)}")];
                string user = $"u{repeat}";
                await reusing.RecommendAsync(new RecommendationRequest { History = history[..^1], UserId = user },
                    context.CancellationToken);
                var (fast, kept) = await TimeAsync(reusing, history, user);
                var (slow, plain) = await TimeAsync(whole, history, user);
                if (!kept.Items.Select(item => item.ItemId).SequenceEqual(plain.Items.Select(item => item.ItemId)))
                {
                    context.Log($"W = {width}, repeat {repeat}: the answers differ");
                }

                if (repeat >= 0)
                {
                    without.Add(slow);
                    with.Add(fast);
                }
            }

            double gain = without.Zip(with, (a, b) => a / b).Order().ElementAt(repeats / 2);
            context.Report(width == widths[0] ? "incremental_gain" : $"incremental_gain_w{width}", gain, "x", new
            {
                beams = width, prompt, layers, without_ms = without.Order().ElementAt(repeats / 2),
                    with_ms = with.Order().ElementAt(repeats / 2),
                kept_mb = reusing.PromptBytes / 1e6,
            });

            // Even a resumption that cost nothing would leave a pass over all weights for each code and the terminator.
            var (prefill, pass) = Passes(model, prompt, width);
            context.Report($"incremental_limit_w{width}", (prefill + 3 * pass) / (3 * pass), "x",
                new { prefill_ms = prefill, pass_ms = pass });
        }

        async Task<(double Milliseconds, RecommendationResult Result)> TimeAsync(GenerativeRecommender recommender, string[] history,
            string user)
        {
            long start = Stopwatch.GetTimestamp();
            var result = await recommender.RecommendAsync(new RecommendationRequest { History = history, UserId = user },
                context.CancellationToken);
            return (Stopwatch.GetElapsedTime(start).TotalMilliseconds, result);
        }
    }

    /// <summary>Times a pass over a prompt and one over a beam's rows, each with the head's sum over the vocabulary.</summary>
    private static (double Prefill, double Pass) Passes(SemanticIdModel model, int prompt, int width)
    {
        var backbone = (IDecodingBackbone)model.Backbone;
        var (prefills, passes) = (new List<double>(), new List<double>());
        using var noGrad = torch.no_grad();
        model.Backbone.eval();
        for (int repeat = 0; repeat < 4; repeat++)
        {
            using var scope = torch.NewDisposeScope();
            using var cache = backbone.NewCache();
            long start = Stopwatch.GetTimestamp();
            backbone.LogNormalizers(backbone.Prefill([[.. Enumerable.Range(0, prompt)]], cache));
            prefills.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            start = Stopwatch.GetTimestamp();
            backbone.LogNormalizers(backbone.Extend(cache, new DecodingStep
            {
                Tokens = [.. Enumerable.Range(0, width)], Prompts = new int[width],
                Ancestors = [.. Enumerable.Range(0, width).Select(row => new[] { row })],
            }));
            passes.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        return (prefills.Order().ElementAt(1), passes.Order().ElementAt(1));
    }
}
