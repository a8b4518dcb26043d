using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class ReinforcementRegistrationTests
{
    [Fact]
    public void AddReinforcement_WithRewards_MakesTheTrainerWithTheSharedSeed()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec(options => options.Seed = 7)
            .AddReinforcement(options => options.GroupSize = 4).AddReinforcement()
            .AddReward<ExactMatchReward>().AddReward<RankReward>(0.5).AddReward<RankReward>()
            .UseRollouts<DynamicSampler>();
        using var provider = services.BuildServiceProvider();

        Assert.NotNull(provider.GetRequiredService<GrpoTrainer>());
        var options = provider.GetRequiredService<IOptions<GrpoOptions>>().Value;
        Assert.Equal((4, 7), (options.GroupSize, options.Seed));
        Assert.Equal([1.0, 0.5], provider.GetServices<IRewardFunction>().Cast<WeightedReward>().Select(reward => reward.Weight));
        Assert.IsType<DynamicSampler>(provider.GetRequiredService<IRolloutSampler>());
    }

    [Fact]
    public void AddReinforcement_WithoutRewards_SaysWhatIsMissing()
    {
        var services = new ServiceCollection();
        services.AddMiniOneRec().AddReinforcement();
        using var provider = services.BuildServiceProvider();

        var error = Assert.Throws<ArgumentException>(provider.GetRequiredService<GrpoTrainer>);
        Assert.Contains("at least one reward", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void GrpoOptions_BrokenRules_AreAllNamedByContainerAndConstructorAlike()
    {
        void Break(GrpoOptions options)
        {
            options.GroupSize = 1;
            options.Reference.Kind = ReferenceKind.None;
            options.Objective = PolicyObjective.OnPolicy;
            options.InnerEpochs = 2;
            options.Guards.ValidateEverySteps = 0;
        }

        var services = new ServiceCollection();
        services.AddMiniOneRec().AddReinforcement(Break).AddReward<ExactMatchReward>();
        using var provider = services.BuildServiceProvider();
        var broken = new GrpoOptions();
        Break(broken);

        var fromContainer = Assert.Throws<OptionsValidationException>(provider.GetRequiredService<GrpoTrainer>);
        var fromConstructor = Assert.Throws<OptionsValidationException>(() => new GrpoTrainer([new ExactMatchReward()], broken));

        foreach (string part in new[] { "GroupSize", "KlWeight 0.04", "InnerEpochs is 2", "ValidateEverySteps" })
        {
            Assert.Contains(part, fromContainer.Message, StringComparison.Ordinal);
            Assert.Contains(part, fromConstructor.Message, StringComparison.Ordinal);
        }
    }

    private sealed class DynamicSampler : IRolloutSampler
    {
        private readonly DynamicRolloutSampler _inner = new();

        public string Name => _inner.Name;

        public IReadOnlyList<IReadOnlyList<Rollout>> Sample(RolloutRequest request, CancellationToken cancellationToken = default) =>
            _inner.Sample(request, cancellationToken);
    }
}
