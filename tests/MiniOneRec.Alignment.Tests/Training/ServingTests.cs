using MiniOneRec.Alignment;
using MiniOneRec.Modeling;

namespace MiniOneRec.Tests;

/// <summary>Serving while the weights are being trained is refused; the training thread itself may ask.</summary>
public sealed class ServingTests
{
    [Fact]
    public async Task TrainAsync_RefusesToServeMeanwhileExceptOnItsThread()
    {
        using var recommender = Toy.Recommender(16).Recommender;
        var request = new RecommendationRequest { History = ["0"], Count = 1 };
        Exception? queued = null, direct = null;
        int own = 0;
        var progress = new Immediate(_ =>
        {
            own += recommender.Recommend([request])[0].Items.Count;
            var other = new Thread(() =>
            {
                queued = Record.Exception(() => recommender.RecommendAsync(request).GetAwaiter().GetResult());
                direct = Record.Exception(() => recommender.Recommend([request]));
            });
            other.Start();
            other.Join();
        });

        var result = await new SftTrainer(Toy.Plain).TrainAsync(recommender, Toy.Users(), progress: progress);

        Assert.Equal(result.Steps, own);
        Assert.Contains("being trained", Assert.IsType<InvalidOperationException>(queued).Message, StringComparison.Ordinal);
        Assert.Contains("being trained", Assert.IsType<InvalidOperationException>(direct).Message, StringComparison.Ordinal);
        Assert.False(recommender.Model.IsBeingTrained);
        Assert.Single((await recommender.RecommendAsync(request)).Items);
    }

    [Fact]
    public async Task TrainAsync_TwiceAtOnce_IsRefused()
    {
        using var recommender = Toy.Recommender(16).Recommender;
        Exception? second = null;
        var progress = new Immediate(_ => second ??= Record.Exception(
            () => new SftTrainer(Toy.Plain).TrainAsync(recommender, Toy.Users()).GetAwaiter().GetResult()));

        await new SftTrainer(Toy.Plain).TrainAsync(recommender, Toy.Users(), progress: progress);

        Assert.Contains("being trained already", Assert.IsType<InvalidOperationException>(second).Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<ArgumentException>(() =>
            new SftTrainer(Toy.Plain).TrainAsync(recommender, [new UserSequence("lost", ["?"])]));
        Assert.False(recommender.Model.IsBeingTrained);
    }
}
