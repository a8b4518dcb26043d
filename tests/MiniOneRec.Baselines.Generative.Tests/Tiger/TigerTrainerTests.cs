using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative.Tests.Tiger;

public sealed class TigerTrainerTests : IAsyncLifetime, IDisposable
{
    private static readonly SemanticIdIndex Index = new(
        Enumerable.Range(0, 12).Select(i => KeyValuePair.Create("i" + i, new SemanticId(i / 4, i % 4))), [4, 6]);

    /// <summary>Eight users on a ring of twelve items: who took item i takes item i + 1 next.</summary>
    private static readonly UserSequence[] Ring = [.. Enumerable.Range(0, 8).Select(user => new UserSequence(
        "u" + user, [.. Enumerable.Range(0, 7).Select(step => "i" + (user + step) % 12)]))];

    private static readonly NextItemExample[] Seen =
        [.. Ring.Select(user => new NextItemExample(user.UserId, [.. user.ItemIds.Take(4)], user.ItemIds[4]))];

    private readonly TemporaryFolder _folder = new();
    private TigerRecommender _recommender = null!;

    private static TigerOptions Small => new()
    {
        HiddenSize = 16, Heads = 2, HeadSize = 8, FeedForwardSize = 32, Layers = 1, UserTokens = 5, Dropout = 0, LearningRate = 2e-2,
        WarmupSteps = 5, BatchSize = 16, MaxEpochs = 80, Patience = 80, BeamWidth = 6,
    };

    public async Task InitializeAsync() => _recommender = await new TigerTrainer(Small).TrainAsync(Index, Ring, Seen);

    public Task DisposeAsync()
    {
        _recommender.Dispose();
        return Task.CompletedTask;
    }

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Train_EightUsers_LearnsTheRing()
    {
        Assert.True(_recommender.Training!.BestValidation > 0.95, $"NDCG@10 {_recommender.Training.BestValidation}");
        foreach (var row in Seen)
        {
            Assert.Equal(row.Target, (await _recommender.RecommendAsync(row.History, 3)).Items[0].ItemId);
        }
    }

    [Fact]
    public async Task Save_ThenLoad_AnswersAreEqual()
    {
        var requests = Requests();
        await _recommender.SaveAsync(_folder["tiger"]);
        using var loaded = await TigerRecommender.LoadAsync(_folder["tiger"]);

        var before = await _recommender.RecommendAsync(requests);
        var after = await loaded.RecommendAsync(requests);

        Assert.All(before.Zip(after), pair => Assert.Equal(pair.First.Items, pair.Second.Items));
        Assert.Equal(_recommender.ParameterCount, loaded.ParameterCount);
        Assert.Null(loaded.Training);
    }

    [Theory]
    [InlineData("minionerec.json", "{")]
    [InlineData("catalogue.index.json", "{}")]
    [InlineData("catalogue.popularity.json", "[1]")]
    [InlineData("t5/config.json", "{}")]
    public async Task Load_DamagedFile_NamesIt(string file, string content)
    {
        await _recommender.SaveAsync(_folder["tiger"]);
        await File.WriteAllTextAsync(Path.Combine(_folder["tiger"], file), content);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => TigerRecommender.LoadAsync(_folder["tiger"]));

        Assert.Contains(Path.GetFileName(file), error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Load_MissingFolder_NamesIt()
    {
        var error = await Assert.ThrowsAsync<DirectoryNotFoundException>(() => TigerRecommender.LoadAsync(_folder["nowhere"]));

        Assert.Contains("nowhere", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Recommend_WholeCatalogue_EqualsAPlainLoopOverAllItems()
    {
        var request = new RecommendationRequest { History = ["i3", "unknown", "i4"], UserId = "u3", Count = 12 };
        var result = await _recommender.RecommendAsync(request);

        var prompts = new TigerPrompts(Index, Small);
        var expected = Index.Items.Select(item => (item, Score: Plain(prompts, request, item)))
            .OrderByDescending(pair => pair.Score).ToArray();
        Assert.Equal(1, result.SkippedHistoryItems);
        Assert.Equal(expected.Select(pair => pair.item), result.Items.Select(item => item.ItemId));
        Assert.All(expected.Zip(result.Items), pair => Assert.Equal(pair.First.Score, pair.Second.Score, 1e-4));
    }

    [Fact]
    public async Task Recommend_Restrictions_AreKept()
    {
        var result = await _recommender.RecommendAsync(new RecommendationRequest
        {
            History = ["i3", "i4"], Count = 12, ExcludeHistory = true, ExcludedItems = new HashSet<string> { "i5" },
            CandidateFilter = item => item != "i6",
        });

        Assert.Equal(8, result.Items.Count);
        Assert.Equal(4, result.Shortfall);
        Assert.DoesNotContain(result.Items, item => item.ItemId is "i3" or "i4" or "i5" or "i6");
        Assert.NotEmpty((await _recommender.RecommendAsync([], 3)).Items);
        await Assert.ThrowsAsync<ArgumentException>(() => _recommender.RecommendAsync(["i1"], 0));
    }

    [Fact]
    public void UserToken_AnyKey_LiesBehindTheCodes()
    {
        var prompts = new TigerPrompts(Index, Small);
        int first = prompts.Template.VocabularySize;

        int[] tokens = [.. Enumerable.Range(0, 100).Select(user => prompts.UserToken("user " + user))];

        Assert.Equal([first, first + 1, first + 2, first + 3, first + 4], tokens.Distinct().Order());
        Assert.Equal(TigerPrompts.NoUser, prompts.UserToken(null));
        Assert.Equal(first + 5, prompts.VocabularySize);
    }

    [Fact]
    public async Task Train_SameSeed_SameAnswers()
    {
        var options = Small;
        options.MaxEpochs = 2;
        using var first = await new TigerTrainer(options).TrainAsync(Index, Ring, []);
        using var second = await new TigerTrainer(options).TrainAsync(Index, Ring, []);
        using var other = await new TigerTrainer(options, new MiniOneRecOptions { Seed = 7 }).TrainAsync(Index, Ring, []);

        var answers = await first.RecommendAsync(Requests());
        Assert.All(answers.Zip(await second.RecommendAsync(Requests())), pair => Assert.Equal(pair.First.Items, pair.Second.Items));
        Assert.NotEqual(answers[0].Items, (await other.RecommendAsync(Requests()))[0].Items);
        Assert.Equal(6, first.Training!.BestStep);
    }

    [Fact]
    public async Task Train_NothingToLearn_SaysSo()
    {
        var error = await Assert.ThrowsAsync<ArgumentException>(() =>
            new TigerTrainer(Small).TrainAsync(Index, [new UserSequence("u", ["i1", "unknown"])], []));

        Assert.StartsWith("No training sequence has two items of the index", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Options_OutOfRange_AllErrorsInOneMessage()
    {
        var error = Assert.Throws<OptionsValidationException>(() =>
            new TigerTrainer(new TigerOptions { MaxHistoryItems = 0, Layers = 0, Dropout = 1, BeamWidth = 0 }));

        Assert.All(["MaxHistoryItems", "Layers", "Dropout", "BeamWidth"],
            part => Assert.Contains(part, error.Message, StringComparison.Ordinal));
    }

    private static RecommendationRequest[] Requests() =>
        [.. Seen.Select(row => new RecommendationRequest { History = row.History, UserId = row.UserId, Count = 5 })];

    private double Plain(TigerPrompts prompts, RecommendationRequest request, string item)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        long[] prompt = [.. prompts.Encode(request.UserId, request.History, out _).Select(token => (long)token)];
        long[] response = [.. prompts.Template.EncodeResponse(Index[item]).Select(token => (long)token)];
        var inputs = tensor(prompt, [1, prompt.Length]);
        var logs = _recommender.Model.Forward(inputs, ones_like(inputs), tensor(response, [1, response.Length])).log_softmax(2);
        return response.Index().Sum(token => logs[0, token.Index, token.Item].item<float>());
    }
}
