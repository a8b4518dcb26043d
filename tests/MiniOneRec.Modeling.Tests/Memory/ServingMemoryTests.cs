using TorchSharp;

namespace MiniOneRec.Modeling.Tests;

public sealed class ServingMemoryTests : IDisposable
{
    private const int Requests = 20_000;
    private const int Rounds = 3;
    private const long Bound = 1_000_000;
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-").FullName;
    private readonly SemanticIdIndex _index =
        new(Enumerable.Range(0, 60).Select(i => KeyValuePair.Create($"{i}", new SemanticId(i % 4, i / 4 % 4, i / 16))), [4, 4, 4]);

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [SkippableTheory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task Requests_TwentyThousand_LeaveNothingBehind(bool mixed)
    {
        using var recommender = Make();
        await ServeAsync(recommender, mixed, 2_000, seed: 1);

        // A leak grows in every round. What oneDNN keeps for a shape that a busy machine gathers late, and what other tests leave to
        // finalizers, does not.
        var rounds = new List<(long Bytes, long Tensors)>();
        for (int round = 0; round < Rounds; round++)
        {
            (long bytes, long tensors) = (HeapGrowth.InUse(), torch.Tensor.TotalCount);
            await ServeAsync(recommender, mixed, Requests, seed: 2 + round);
            rounds.Add((HeapGrowth.InUse() - bytes, torch.Tensor.TotalCount - tensors));
            if (rounds[^1] is { Bytes: <= Bound, Tensors: <= 0 })
            {
                return;
            }
        }

        Assert.Fail($"{Requests} requests leave bytes or tensors behind: {string.Join(", ", rounds)}.");
    }

    [SkippableFact]
    public async Task Reloads_LeaveNothingBehind()
    {
        string path = Path.Combine(_folder, "model");
        int parameters;
        using (var made = Make())
        {
            parameters = made.Model.parameters().Count();
            await made.SaveAsync(path);
        }

        async Task ReloadAsync()
        {
            using var recommender = await GenerativeRecommender.LoadAsync(path);
            Assert.Equal(3, (await recommender.RecommendAsync(["1", "2"], 3)).Items.Count);
        }

        await ReloadAsync();
        GC.Collect();                                           // what earlier tests left is taken off before counting
        GC.WaitForPendingFinalizers();
        long tensors = torch.Tensor.TotalCount;
        await ReloadAsync();

        // TorchSharp counts a parameter twice and frees it once; packed copies, which are tensors too, would come on top.
        Assert.InRange(torch.Tensor.TotalCount - tensors, 0, parameters);
        await HeapGrowth.IsBoundedAsync(25, 60_000, ReloadAsync);                   // one model has 200 KB of packed copies
    }

    private static async Task ServeAsync(GenerativeRecommender recommender, bool mixed, int requests, int seed)
    {
        var random = new Random(seed);
        while (requests > 0)
        {
            var together = Enumerable.Range(0, Math.Min(requests, mixed ? random.Next(1, 200) : 100)).Select(_ => new RecommendationRequest
            {
                History = mixed ? [.. Enumerable.Range(0, random.Next(0, 6)).Select(_ => $"{random.Next(70)}")] : ["1", "2", "3"],
                Count = mixed ? random.Next(1, 8) : 3,
                ExcludedItems = mixed && random.Next(4) == 0 ? new HashSet<string> { $"{random.Next(60)}" } : [],
            }).ToArray();
            var results = await recommender.RecommendAsync(together);
            Assert.All(results, result => Assert.NotEmpty(result.Items));
            requests -= together.Length;
        }
    }

    private GenerativeRecommender Make()
    {
        torch.random.manual_seed(11);
        var template = CompactTemplate.For(_index);
        var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, 32, 2, 2));
        return new GenerativeRecommender(model, _index, template, new RecommenderOptions { BeamWidth = 4, BatchSize = 64 });
    }
}
