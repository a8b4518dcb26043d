using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using MiniOneRec.Datasets;
using TorchSharp;

namespace MiniOneRec.Tokenization.Tests;

public class SemanticIdTokenizerTests
{
    private static RqVaeOptions Small() => new()
    {
        CodebookSizes = [16, 16, 16],
        HiddenWidths = [64, 32],
        LatentWidth = 16,
        Training = new() { Epochs = 60, WarmupEpochs = 5, LearningRate = 1e-3 },
    };

    [Fact]
    public async Task TokenizeAsync_DemoCatalogue_GivesEveryItemItsOwn()
    {
        Item[] items = [.. DemoCatalogue.Create().Items.Take(240)];
        using var encoder = new TfIdfEncoder(new TfIdfOptions { Width = 64 });
        using var quantizer = new RqVaeQuantizer(Small());
        var stages = new HashSet<string>();

        var index = await new SemanticIdTokenizer(encoder, quantizer)
            .TokenizeAsync(items, new Progress(report => stages.Add(report.Stage)));

        Assert.Equal(items.Length, index.DistinctCount);
        Assert.Equal(items.Select(item => item.Id), index.Items);
        Assert.Equal([16, 16, 16], index.LevelSizes);
        Assert.Equal(["text", "rq-vae"], stages);

        // Items of one category share first codes far more often than chance.
        var byCategory = items.GroupBy(item => item.Categories[0])
            .Select(group => group.CountBy(item => index[item.Id][0]).Max(code => code.Value) / (double)group.Count());
        Assert.True(byCategory.Average() > 0.2);
    }

    [Fact]
    public async Task AddTokenization_Container_ResolvesAndTokenizes()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec(o => o.Seed = 7).AddTokenization(configureQuantizer: o =>
        {
            o.CodebookSizes = [16, 16];
            o.HiddenWidths = [16];
            o.Training.Epochs = 3;
        });
        await using var provider = services.BuildServiceProvider();

        var index = await provider.GetRequiredService<SemanticIdTokenizer>().TokenizeAsync([.. DemoCatalogue.Create().Items.Take(40)]);

        Assert.Equal(40, index.DistinctCount);
    }

    [Fact]
    public async Task TokenizeAsync_Cancelled_StopsAfterAStep()
    {
        using var encoder = new TfIdfEncoder();
        using var quantizer = new RqVaeQuantizer(Small());
        using var cancellation = new CancellationTokenSource();
        var progress = new Progress(report =>
        {
            if (report is { Stage: "rq-vae", Step: 3 })
            {
                cancellation.Cancel();
            }
        });

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            new SemanticIdTokenizer(encoder, quantizer)
                .TokenizeAsync([.. DemoCatalogue.Create().Items.Take(360)], progress, cancellation.Token));
    }

    [Fact]
    public async Task EncodeTextAsync_ForeignEncoder_GetsBatchesAndCanBeStoppedBetweenThem()
    {
        Item[] items = [.. DemoCatalogue.Create().Items.Take(50)];
        using var quantizer = new GridQuantizer(2, 2, 2);
        var encoder = new CountingEncoder();
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer, new TokenizationOptions { EncoderBatchSize = 20, MaxTextWords = 3 });
        var reports = new List<TrainingProgress>();

        await tokenizer.EncodeTextAsync(items, new Progress(reports.Add));

        Assert.Equal([20, 20, 10], encoder.Batches);
        Assert.All(encoder.Asked, text => Assert.InRange(text.Split(' ').Length, 1, 3));
        Assert.Equal([(20L, 50L), (40, 50), (50, 50)], reports.Select(report => (report.Step, report.TotalSteps)));

        using var cancellation = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() =>
            tokenizer.EncodeTextAsync(items, new Progress(_ => cancellation.Cancel()), cancellation.Token));
        Assert.Equal([20, 20, 10, 20], encoder.Batches);
    }

    [Fact]
    public async Task TokenizeAsync_BadInput_SaysWhatIsWrong()
    {
        using var encoder = new TfIdfEncoder();
        using var quantizer = new RqVaeQuantizer(Small());
        var tokenizer = new SemanticIdTokenizer(encoder, quantizer);
        Item[] few = [.. DemoCatalogue.Create().Items.Take(10)];

        await Assert.ThrowsAsync<ArgumentException>(() => tokenizer.TokenizeAsync([]));
        Assert.Contains("10 vectors cannot fill a level of 16 codes",
            (await Assert.ThrowsAsync<ArgumentException>(() => tokenizer.TokenizeAsync(few))).Message, StringComparison.Ordinal);

        using var constant = new ConstantEncoder();
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            new SemanticIdTokenizer(constant, quantizer).TokenizeAsync(DemoCatalogue.Create().Items));
        Assert.Contains("vectors are equal", error.Message, StringComparison.Ordinal);

        using var ragged = new ConstantEncoder { Width = text => text.Length % 2 + 1 };
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            new SemanticIdTokenizer(ragged, quantizer).TokenizeAsync(DemoCatalogue.Create().Items));
    }

    private sealed class Progress(Action<TrainingProgress> report) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => report(value);
    }

    private sealed class ConstantEncoder : IEmbeddingGenerator<string, Embedding<float>>
    {
        public Func<string, int> Width { get; init; } = _ => 3;

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default) =>
            Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(
                values.Select(text => new Embedding<float>(Enumerable.Repeat(1f, Width(text)).ToArray()))));

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
