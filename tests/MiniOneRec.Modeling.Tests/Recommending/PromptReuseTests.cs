using TorchSharp;

namespace MiniOneRec.Modeling.Tests;

public sealed class PromptReuseTests
{
    private static readonly SemanticIdIndex Index = new(
        Enumerable.Range(0, 60).Select(i => KeyValuePair.Create($"{i}", new SemanticId(i % 4, i / 4 % 4, i / 16))), [4, 4, 4]);

    [Theory]
    [InlineData(0)]
    [InlineData(3)]
    public async Task Recommend_GrowingHistories_AnswerAsWithoutReuse(int window)
    {
        using var plain = Make(0, window);
        using var reusing = Make(64, window);
        var random = new Random(3);
        string[][] histories = [.. Enumerable.Range(0, 6).Select(user => Enumerable.Range(0, 1
            + user).Select(_ => $"{random.Next(60)}").ToArray())];
        for (int step = 0; step < 5; step++)
        {
            var requests = histories.Select((history, user) => new RecommendationRequest { History = history, UserId = $"u{user}",
                Count = 8 }).ToArray();
            var (expected, found) = (await plain.RecommendAsync(requests), await reusing.RecommendAsync(requests));

            foreach (var (one, other) in expected.Zip(found))
            {
                Assert.Equal(one.Items.Select(item => item.ItemId), other.Items.Select(item => item.ItemId));
                Assert.All(one.Items.Zip(other.Items), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 4));
            }

            // Most grow by an item, one stays, one is another history altogether, one gets shorter.
            histories = [.. histories.Select((history, user) => (user, step) switch
            {
                (1, _) => history,
                (2, 2) => ["7", "9"],
                (3, 1) => history[..2],
                _ => [.. history, $"{random.Next(60)}"],
            })];
        }

        Assert.True(reusing.PromptBytes > 0);
        Assert.Equal(0, plain.PromptBytes);
    }

    [Fact]
    public async Task Forget_FreesTheUsersPrompt_AndDisposalAll()
    {
        var recommender = Make(64, 0);
        await recommender.RecommendAsync([Ask("ann"), Ask("bob")]);
        long both = recommender.PromptBytes;
        recommender.Forget("ann");
        recommender.Forget("nobody");
        long one = recommender.PromptBytes;
        recommender.Dispose();

        Assert.Equal(both / 2, one);
        Assert.Equal(0, recommender.PromptBytes);
    }

    [Fact]
    public async Task Keep_MoreThanAllowed_ForgetsTheOldest()
    {
        using var recommender = Make(1, 0);
        for (int i = 0; i < 2_000 && recommender.PromptBytes < 900_000; i++)
        {
            await recommender.RecommendAsync([.. Enumerable.Range(0, 32).Select(j => Ask($"{i}-{j}"))]);
        }

        await recommender.RecommendAsync([.. Enumerable.Range(0, 256).Select(j => Ask($"last-{j}"))]);

        Assert.InRange(recommender.PromptBytes, 900_000, 1 << 20);
    }

    [Fact]
    public async Task Recommend_AfterTraining_DoesNotUseOldStates()
    {
        using var recommender = Make(64, 0);
        await recommender.RecommendAsync([Ask("ann")]);
        using (recommender.Model.BeginTraining())
        using (torch.no_grad())
        {
            foreach (var parameter in recommender.Model.parameters())
            {
                parameter.mul_(1.5);
            }
        }

        recommender.Model.eval();
        using var fresh = new GenerativeRecommender(recommender.SemanticIdModel, Options(0));
        var expected = await fresh.RecommendAsync([Ask("other")]);
        var found = await recommender.RecommendAsync([Ask("ann")]);

        Assert.All(expected[0].Items.Zip(found[0].Items), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 4));
    }

    private static RecommendationRequest Ask(string user) => new() { History = ["1", "2", "3"], UserId = user, Count = 5 };

    private static RecommenderOptions Options(int megabytes) => new() { BeamWidth = 12, PromptCacheMegabytes = megabytes,
        PackWeights = false };

    private static GenerativeRecommender Make(int megabytes, int window)
    {
        torch.random.manual_seed(5);
        var template = CompactTemplate.For(Index);
        var config = DecoderConfig.Small(template.VocabularySize, 16, 2, 2);
        return new GenerativeRecommender(new DecoderModel(window == 0 ? config : config with { SlidingWindow = window }), Index, template,
            Options(megabytes));
    }
}
