namespace MiniOneRec.Evaluation.Tests;

public sealed class BootstrapTests
{
    private static readonly double[] Hit = [0, 1];

    [Fact]
    public void Draw_IndependentRows_HasTheStandardErrorOfAShare()
    {
        const int Rows = 2000;
        int[] kinds = [.. Enumerable.Range(0, Rows).Select(i => i % 5 == 0 ? 1 : 0)];

        double[] samples = new Bootstrap(kinds.Select((_, i) => $"{i}")).Draw(kinds, 2, [Hit], 2000, new Random(1))[0];

        double error = Math.Sqrt(0.2 * 0.8 / Rows);
        Assert.Equal(0.2, samples.Average(), error / 5);
        Assert.Equal(error, Math.Sqrt(samples.Average(x => (x - 0.2) * (x - 0.2))), error / 10);
        var interval = Bootstrap.Percentile(samples, 0.95);
        Assert.Equal(0.2 - (1.96 * error), interval.Low, error / 5);
        Assert.Equal(0.2 + (1.96 * error), interval.High, error / 5);
    }

    [Fact]
    public void Draw_RowsOfOneUser_AreDrawnTogether()
    {
        // 100 users with four equal rows each: the error is that of 100 users, twice that of 400 rows.
        int[] kinds = [.. Enumerable.Range(0, 400).Select(i => i / 4 % 2)];

        double[] byUser = new Bootstrap(kinds.Select((_, i) => $"{i / 4}")).Draw(kinds, 2, [Hit], 2000, new Random(1))[0];
        double[] byRow = new Bootstrap(kinds.Select((_, i) => $"{i}")).Draw(kinds, 2, [Hit], 2000, new Random(1))[0];

        Assert.Equal(2, Spread(byUser) / Spread(byRow), 0.2);

        static double Spread(double[] samples) => Math.Sqrt(samples.Average(x => (x - 0.5) * (x - 0.5)));
    }

    [Fact]
    public void Draw_UnequalUsers_AveragesOverRows()
    {
        // One user has three misses, the other one hit: samples are 0, 1/4 or 1.
        double[] samples = new Bootstrap(["a", "a", "b", "a"]).Draw([0, 0, 1, 0], 2, [Hit], 500, new Random(1))[0];

        Assert.Equal([0, 0.25, 1], samples.Distinct());
    }

    [Theory]
    [InlineData(0.5, 1, 3)]
    [InlineData(0.9, 0.2, 3.8)]
    public void Percentile_Interpolates(double confidence, double low, double high)
    {
        var interval = Bootstrap.Percentile([0, 1, 2, 3, 4], confidence);

        Assert.Equal(low, interval.Low, 1e-12);
        Assert.Equal(high, interval.High, 1e-12);
    }
}
