using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Tests;

public sealed class SecondAdapterTests
{
    [Fact]
    public async Task LoadAsync_OntoAModelWithAdapters_IsRefused_AndLeavesThem()
    {
        using var folder = new TemporaryFolder();
        using var recommender = Toy.Recommender(16).Recommender;
        double[] without = Scores(recommender);
        using var first = LoraAdapters.Attach(recommender.Model, new LoraOptions { Rank = 2, Dropout = 0 });
        using (torch.no_grad())
        {
            foreach (var (_, value) in first.Tensors())
            {
                value.fill_(0.1f);
            }
        }

        await first.SaveAsync(folder["adapter"]);
        double[] with = Scores(recommender);
        Assert.NotEqual(without, with);

        await Assert.ThrowsAsync<InvalidOperationException>(() => LoraAdapters.LoadAsync(folder["adapter"], recommender.Model));

        Assert.Same(first, LoraAdapters.Of(recommender.Model));
        Assert.Equal(with, Scores(recommender));
    }

    private static double[] Scores(GenerativeRecommender recommender) =>
        [.. recommender.Recommend([new RecommendationRequest { History = ["0", "5"], Count = 5 }])[0].Items.Select(item => item.Score)];
}
