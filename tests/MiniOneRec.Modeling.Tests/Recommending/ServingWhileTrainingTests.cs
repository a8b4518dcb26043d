namespace MiniOneRec.Modeling.Tests;

/// <summary>Serving while a trainer holds the model.</summary>
public sealed class ServingWhileTrainingTests
{
    [Fact]
    public async Task Training_RefusesToServeExceptOnItsOwnThread()
    {
        using var recommender = ServingToy.Make();
        await recommender.RecommendAsync(["a"], 1);
        using (recommender.Model.BeginTraining())
        {
            Assert.True(recommender.Model.IsBeingTrained);
            Assert.Single(recommender.Recommend([ServingToy.Ask("a", 1)])[0].Items);
            var other = new Exception?[3];
            var thread = new Thread(() =>
            {
                other[0] = Record.Exception(() => recommender.RecommendAsync(["a"], 1).GetAwaiter().GetResult());
                other[1] = Record.Exception(() => recommender.Recommend([ServingToy.Ask("a", 1)]));
                other[2] = Record.Exception(() => recommender.Model.BeginTraining());
            });
            thread.Start();
            thread.Join();
            Assert.All(other, error =>
                Assert.Contains("being trained", Assert.IsType<InvalidOperationException>(error).Message, StringComparison.Ordinal));
        }

        Assert.False(recommender.Model.IsBeingTrained);
        Assert.Single((await recommender.RecommendAsync(["a"], 1)).Items);
    }

    [Fact]
    public async Task Training_BegunWhileRequestsRun_WaitsForTheirBatch()
    {
        using var recommender = ServingToy.Make(new RecommenderOptions { MaxWaitMilliseconds = 0, BatchSize = 4 });
        using var stop = new CancellationTokenSource();
        var clients = Enumerable.Range(0, 4).Select(_ => Task.Run(async () =>
        {
            int answered = 0, refused = 0;
            while (!stop.IsCancellationRequested)
            {
                try
                {
                    await recommender.RecommendAsync(["a"], 1);
                    answered++;
                }
                catch (InvalidOperationException e) when (e.Message.Contains("being trained", StringComparison.Ordinal))
                {
                    refused++;
                    await Task.Delay(1);
                }
            }

            return (answered, refused);
        })).ToArray();

        var trainer = new Thread(() =>
        {
            for (int run = 0; run < 30; run++)
            {
                using (recommender.Model.BeginTraining())
                {
                    Thread.Sleep(2);
                }

                Thread.Sleep(5);
            }
        });
        trainer.Start();
        trainer.Join();
        await stop.CancelAsync();

        Assert.All(await Task.WhenAll(clients), client => Assert.True(client is { answered: > 0, refused: > 0 }));
    }
}
