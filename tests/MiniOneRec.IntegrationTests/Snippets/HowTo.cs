using System.Diagnostics.Metrics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Baselines;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;
using TorchSharp;

namespace MiniOneRec.IntegrationTests.Snippets;

/// <summary>The code of the pages in <c>docs/how-to</c>.</summary>
internal static class HowTo
{
    public static async Task<SplitDataset> OwnFiles()
    {
        var data = await InteractionDataset.LoadAsync("shop.inter.json", itemsPath: "shop.item.json");
        Console.WriteLine($"{data.Items.Count} items, {data.Sequences.Count} users, {data.SkippedInteractions} skipped");
        data = new KCoreFilter(minimumPerUser: 3, minimumPerItem: 5).Apply(data);
        var split = new LeaveOneOutSplit(maxHistory: 20).Split(data);
        return split;
    }

    public static InteractionDataset OwnObjects(
        IEnumerable<(string User, string Product, DateTime At)> purchases, IReadOnlyList<Item> products)
    {
        var data = new InteractionDataset
        {
            Name = "shop",
            Items = products,
            Sequences = [.. purchases.GroupBy(purchase => purchase.User)
                .Select(user => new UserSequence(user.Key, [.. user.OrderBy(purchase => purchase.At).Select(purchase => purchase.Product)]))],
        };
        return data;
    }

    public static async Task<SemanticIdIndex> OwnEncoder(IEmbeddingGenerator<string, Embedding<float>> service, IReadOnlyList<Item> items)
    {
        using var encoder = new CachedEmbeddingGenerator(service, "cache/embeddings", modelId: "text-embedding-3-small, 1536");
        using var quantizer = new RqVaeQuantizer(new RqVaeOptions { CodebookSizes = [256, 256, 256] });
        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(items);
        return index;
    }

    public static async Task<SemanticIdIndex> OwnVectors(IQuantizer quantizer, IReadOnlyList<Item> items)
    {
        using var encoder = await PrecomputedEncoder.LoadAsync("shop.emb.npy", items);        // one row per item, in the order of the items
        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(items);
        return index;
    }

    public static async Task<SemanticIdIndex> NoText(IQuantizer quantizer, SplitDataset data)
    {
        var vectors = await CollaborativeVectors.BuildAsync(data.TrainSequences, data.ItemIds);
        var catalogue = await new SemanticIdTokenizer(quantizer).BuildAsync(vectors.FillMissing());
        return catalogue.Index;
    }

    public static async Task<SemanticIdIndex> DecoderEncoder(IQuantizer quantizer, IReadOnlyList<Item> items)
    {
        using var decoder = await HuggingFaceFolder.LoadDecoderAsync("models/embedding");      // needs no output head
        using var encoder = new DecoderTextEncoder(decoder, await TextTokenizer.LoadAsync("models/embedding"));
        var index = await new SemanticIdTokenizer(encoder, quantizer).TokenizeAsync(items);
        return index;
    }

    public static GenerativeRecommender OwnShape(SemanticIdIndex index)
    {
        var template = CompactTemplate.For(index);
        torch.random.manual_seed(42);                                                            // equal seeds give equal weights
        var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, hiddenSize: 256, layers: 4, heads: 8) with { ModelType = "qwen3", QueryKeyNorm = true, AttentionBias = false });
        var recommender = new GenerativeRecommender(model, index, template);
        return recommender;
    }

    public static async Task<GenerativeRecommender> OwnCheckpoint(SemanticIdIndex index, IReadOnlyDictionary<string, string> titles)
    {
        var plain = await TextTokenizer.LoadAsync("models/Qwen2.5-0.5B");
        var tokenizer = plain.WithSemanticIds(index.LevelSizes, out var codes);
        var decoder = await HuggingFaceFolder.LoadDecoderAsync("models/Qwen2.5-0.5B");
        var model = VocabularyExtension.Extend(decoder, codes, plain.VocabularySize, new ItemTextRows(index, titles, plain));
        var recommender = new GenerativeRecommender(model, index, new AlpacaTemplate(tokenizer, index.LevelSizes));
        return recommender;
    }

    public static void Serving(IServiceCollection services)
    {
        services.AddLogging().AddMetrics();
        services.AddMiniOneRec()
            .AddBaselines()                                          // loaders of saved priors
            .AddRecommender("models/shop", options =>
            {
                options.QueueCapacity = 2_000;
                options.QueueFullMode = QueueFullMode.Reject;        // answer 503 at once in place of waiting
                options.TimeoutMilliseconds = 500;
                options.MaxCount = 100;
            });
    }

    public static async Task Hosting(CancellationToken cancellationToken)
    {
        await using var host = new RecommenderHost(new RecommenderHostOptions { KeepPrevious = true });
        await host.SwapAsync("models/shop-1", version: "shop-1", cancellationToken);
        var request = new RecommendationRequest { History = ["B00012"], Count = 10, Deadline = DateTimeOffset.UtcNow.AddMilliseconds(200) };
        try
        {
            var answer = await host.RecommendAsync(request, cancellationToken);
            Console.WriteLine($"{answer.Items.Count} items from {host.ActiveVersion}");
        }
        catch (Exception e) when (e is TimeoutException or RecommendationQueueFullException)
        {
            Console.WriteLine($"too many requests: {e.Message}");
        }
    }

    public static MeterListener Telemetry(Action<double> observe)
    {
        var listener = new MeterListener
        {
            InstrumentPublished = (instrument, self) =>
            {
                if (instrument.Meter.Name == RecommenderDiagnostics.MeterName && instrument.Name == RecommenderDiagnostics.Duration)
                {
                    self.EnableMeasurementEvents(instrument);
                }
            },
        };
        listener.SetMeasurementEventCallback<double>((_, seconds, _, _) => observe(seconds));
        listener.Start();
        return listener;
    }

    public static void Memory()
    {
        if (NativeHeap.Read() is { } heap)
        {
            Console.WriteLine($"{heap.InUse >> 20} MB in use, {heap.Free >> 20} MB free");
        }

        NativeHeap.Trim();                                           // gives free pages back now
    }

    public static async Task<GenerativeRecommender> OnGpu()
    {
        string device = torch.cuda.is_available() ? "cuda:0" : "cpu";
        var recommender = await GenerativeRecommender.LoadAsync("models/shop", device);
        return recommender;
    }
}
