namespace MiniOneRec.Modeling.Tests;

public sealed class LogLinearFitTests
{
    private const double Floor = 1e-4;
    private static readonly Mixture Start = new([0.5, 0.5, 0], 0, 0);

    [Fact]
    public void Run_RowsDrawnFromAGeometricMean_RecoversItsWeights()
    {
        var table = Drawn(4_000, [0.6, 1.2, 0], earlier: 1.8, last: 0.9, seed: 7);

        var fitted = new LogLinearFit(table).Run([0, 1, 2], Start, penalties: true)!;

        Assert.Equal(SourceFusion.Geometric, fitted.Fusion);
        Assert.Equal(1, fitted.Shares.Sum(), 1e-9);
        Assert.Equal(1 / 3.0, fitted.Shares[0], 0.04);
        Assert.Equal(2 / 3.0, fitted.Shares[1], 0.04);
        Assert.InRange(fitted.Shares[2], 0, 0.04);
        Assert.Equal(1, fitted.EarlierPenalty, 0.15);
        Assert.Equal(0.5, fitted.LastPenalty, 0.15);
    }

    [Fact]
    public void Run_IsTheLikeliest()
    {
        var table = Drawn(300, [0.6, 1.2, 0.3], earlier: 0.5, last: 0.2, seed: 3);

        var fitted = new LogLinearFit(table).Run([0, 1, 2], Start, penalties: true)!;

        // The ranking does not depend on the sum of the weights; the likelihood does.
        double scale = Enumerable.Range(1, 400).Select(i => i * 0.01).MaxBy(factor => Likelihood(table, fitted, factor));
        double best = Likelihood(table, fitted, scale);
        foreach (double step in (double[])[-0.05, 0.05])
        {
            for (int k = 0; k < 3; k++)
            {
                double[] shares = [.. fitted.Shares];
                shares[k] = Math.Max(0, shares[k] + step);
                Assert.True(Likelihood(table, fitted with { Shares = shares }, scale) <= best + 1e-5);
            }

            Assert.True(Likelihood(table, fitted with { EarlierPenalty = fitted.EarlierPenalty + step }, scale) <= best + 1e-5);
        }
    }

    [Fact]
    public void Run_SourceThatMisleads_GetsNothing()
    {
        var table = Drawn(2_000, [1, 0, -0.5], earlier: 0, last: 0, seed: 5);

        var fitted = new LogLinearFit(table).Run([0, 1, 2], Start, penalties: false)!;

        Assert.Equal(0, fitted.Shares[2]);
        Assert.Equal((0.0, 0.0), (fitted.EarlierPenalty, fitted.LastPenalty));
    }

    [Fact]
    public void Run_NoTargets_GivesNothing()
    {
        var table = new MixtureTable(3, 10, Floor);
        table.Begin();
        table.Add([0.1f, 0.2f, 0.3f], HistoryPlace.None, isTarget: false);

        Assert.Null(new LogLinearFit(table).Run([0, 1, 2], Start, penalties: true));
    }

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    public void Run_NewItemsTakenMoreThanTheSourcesSay_RecoversTheirBonus(bool penalties)
    {
        var table = Drawn(4_000, [1, 0.5, 0], earlier: penalties ? 1.5 : 0, last: penalties ? 0.6 : 0, seed: 11, bonus: 1.2);

        var fitted = new LogLinearFit(table).Run([0, 1, 2], Start, penalties, news: true)!;

        Assert.Equal(1.2 / 1.5, fitted.NewItemBonus, 0.1);
        Assert.Equal(penalties ? 1 : 0, fitted.EarlierPenalty, 0.15);
        Assert.Equal(penalties ? 0.4 : 0, fitted.LastPenalty, 0.15);
        Assert.Equal(0.3, new LogLinearFit(table).Run([0, 1, 2], Start with { NewItemBonus = 0.3 }, penalties)!.NewItemBonus);
    }

    private static MixtureTable Drawn(int rows, double[] weights, double earlier, double last, int seed, double bonus = 0)
    {
        var random = new Random(seed);
        var table = new MixtureTable(weights.Length, 10, Floor);
        for (int row = 0; row < rows; row++)
        {
            float[][] values = [.. Enumerable.Range(0, 12)
                .Select(_ => weights.Select(_ => (float)Math.Pow(random.NextDouble(), 3)).ToArray())];
            HistoryPlace[] places = [.. values
                .Select((_, c) => c == 0 ? HistoryPlace.Last : c < 3 ? HistoryPlace.Earlier : HistoryPlace.None)];
            double[] scores = [.. values.Select((own, c) => Math.Exp(own.Select((p, k) => weights[k] * Math.Log(p + Floor)).Sum()
                - (places[c] == HistoryPlace.Last ? last : places[c] == HistoryPlace.Earlier ? earlier : 0) + (IsNew(c) ? bonus : 0)))];
            double left = random.NextDouble() * scores.Sum();
            int target = 0;
            while (target < scores.Length - 1 && (left -= scores[target]) > 0)
            {
                target++;
            }

            table.Begin();
            for (int c = 0; c < values.Length; c++)
            {
                table.Add(values[c], places[c], c == target, IsNew(c));
            }
        }

        return table;

        static bool IsNew(int candidate) => candidate % 4 == 3;
    }

    private static double Likelihood(MixtureTable table, Mixture mixture, double scale)
    {
        double sum = 0;
        foreach (var (start, count, target) in table.Rows)
        {
            double[] scores = [.. Enumerable.Range(start, count).Select(c =>
                scale * (mixture.Shares.Select((w, k) => w * table.LogOf(c, k)).Sum()
                - (table.PlaceOf(c) == HistoryPlace.Last ? mixture.LastPenalty
                    : table.PlaceOf(c) == HistoryPlace.Earlier ? mixture.EarlierPenalty : 0)))];
            sum += scores[target] - Math.Log(scores.Sum(Math.Exp));
        }

        return sum / table.Count;
    }
}
