using FsCheck.Xunit;
using MiniOneRec.Tensors;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class GroupAdvantageTests
{
    [Fact]
    public void Compute_RecordedRewards_EqualsRecordedAdvantages()
    {
        var golden = SafetensorsFile.Load(Path.Combine(TestData.Fixture("grpo"), "expected.safetensors"));
        double[] rule = golden["reward.rule"].data<double>().ToArray(), rank = golden["reward.rank"].data<double>().ToArray();
        double[] expected = golden["advantage"].data<double>().ToArray();
        var advantages = new double[8];

        for (int g = 0; g < 4; g++)
        {
            double[] rewards = [.. Enumerable.Range(8 * g, 8).Select(i => rule[i] + rank[i])];
            bool signal = new GroupAdvantage().Compute(rewards, advantages);

            Assert.Equal(g != 1, signal);
            for (int i = 0; i < 8; i++)
            {
                Assert.Equal(expected[8 * g + i], advantages[i], 1e-9);
            }
        }

        foreach (var tensor in golden.Values)
        {
            tensor.Dispose();
        }
    }

    [Property(MaxTest = 200)]
    public void Compute_ConstantAdded_ChangesNothing(int[] seeds, short constant, bool leaveOneOut, bool deviation)
    {
        double[] rewards = Rewards(seeds);
        var rule = new GroupAdvantage(leaveOneOut ? AdvantageBaseline.LeaveOneOut : AdvantageBaseline.GroupMean, deviation);
        double[] plain = new double[rewards.Length], shifted = new double[rewards.Length];

        rule.Compute(rewards, plain);
        rule.Compute([.. rewards.Select(reward => reward + constant / 8.0)], shifted);

        Assert.All(plain.Zip(shifted), pair => Assert.Equal(pair.First, pair.Second, 1e-6));
        Assert.Equal(0, plain.Sum(), 1e-9);
    }

    [Property(MaxTest = 200)]
    public void Compute_Permuted_Permutes(int[] seeds, int seed)
    {
        double[] rewards = Rewards(seeds);
        int[] order = [.. Enumerable.Range(0, rewards.Length)];
        new Random(seed).Shuffle(order);
        double[] plain = new double[rewards.Length], permuted = new double[rewards.Length];

        new GroupAdvantage().Compute(rewards, plain);
        new GroupAdvantage().Compute([.. order.Select(i => rewards[i])], permuted);

        Assert.All(order.Zip(permuted), pair => Assert.Equal(plain[pair.First], pair.Second, 1e-9));
    }

    [Fact]
    public void Compute_LeaveOneOut_ComparesWithTheOthers()
    {
        var advantages = new double[3];
        new GroupAdvantage(AdvantageBaseline.LeaveOneOut, divideByDeviation: false).Compute([1, 2, 6], advantages);
        Assert.Equal([1 - 4, 2 - 3.5, 6 - 1.5], advantages);
    }

    [Fact]
    public void Compute_Clip_BoundsBothSides()
    {
        var advantages = new double[3];
        new GroupAdvantage(divideByDeviation: false, clip: 1.5).Compute([0, 0, 9], advantages);
        Assert.Equal([-1.5, -1.5, 1.5], advantages);
    }

    [Fact]
    public void Compute_Weights_ShiftTheMeanAndScale()
    {
        var advantages = new double[2];
        new GroupAdvantage(divideByDeviation: false).Compute([0, 1], advantages, [3, 1]);
        Assert.Equal([-0.25 * 1.5, 0.75 * 0.5], advantages);
    }

    [Fact]
    public void Compute_EqualRewards_GiveNoSignal()
    {
        double[] advantages = [1, 2, 3];
        Assert.False(new GroupAdvantage().Compute([0.1, 0.1, 0.1], advantages));
        Assert.All(advantages, advantage => Assert.Equal(0, advantage));
    }

    [Fact]
    public void Compute_BadGroups_Throw()
    {
        Assert.Throws<ArgumentException>(() => new GroupAdvantage().Compute([1], new double[1]));
        Assert.Throws<ArgumentException>(() => new GroupAdvantage().Compute([1, 2, 3], new double[2]));
        var nan = Assert.Throws<ArgumentException>(() => new GroupAdvantage().Compute([1, double.NaN], new double[2]));
        Assert.Contains("Reward 1 is NaN", nan.Message, StringComparison.Ordinal);
    }

    private static double[] Rewards(int[] seeds) => [0, 1, .. (seeds ?? []).Take(30).Select(seed => seed % 1_000 / 100.0)];
}
