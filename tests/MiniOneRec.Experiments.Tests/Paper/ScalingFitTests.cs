namespace MiniOneRec.Experiments.Tests.Paper;

public sealed class ScalingFitTests
{
    private static readonly double[] Sizes = [3e4, 1e5, 2e5, 5e5, 1e6, 3e6, 1e7];

    [Theory]
    [InlineData(2.5, 300, 0.4)]
    [InlineData(1.2, 40, 0.25)]
    public void Fit_PointsOfALaw_FindsIt(double floor, double factor, double exponent)
    {
        var law = ScalingFit.Fit([.. Sizes.Select(size => (size, floor + factor * Math.Pow(size, -exponent)))]);

        Assert.Equal(floor, law.Floor, 0.02);
        Assert.Equal(exponent, law.Exponent, 0.02);
        Assert.Equal(floor + factor * Math.Pow(1e8, -exponent), law.At(1e8), 0.02);
    }

    [Fact]
    public void Fit_OneOutlier_IsHardlyMoved()
    {
        var points = Sizes.Select(size => (Parameters: size, Loss: 2.5 + 300 * Math.Pow(size, -0.4))).ToArray();
        points[2].Loss *= 1.2;

        Assert.Equal(0.4, ScalingFit.Fit(points).Exponent, 0.05);
    }

    [Fact]
    public void Exponents_PointsOfALaw_EncloseTheExponent()
    {
        var random = new Random(1);
        var points = Sizes.Select(size => (size, (2.5 + 300 * Math.Pow(size, -0.4)) * (1 + 0.001 * (random.NextDouble() - 0.5)))).ToArray();

        var (low, high) = ScalingFit.Exponents(points, 60, 0.95, random);

        Assert.True(low <= 0.41 && high >= 0.39 && low < high, $"[{low}, {high}]");
        Assert.True(high - low < 0.3, $"[{low}, {high}]");
    }

    [Fact]
    public void Law_LargestSize_IsHeldOut()
    {
        var points = Sizes.Select(size => (size, 2.5 + 300 * Math.Pow(size, -0.4))).ToList();
        points[^1] = (points[^1].size, 9);

        var figures = ScalingPart.Law(points, 1);

        Assert.Equal((1e7, 9.0), (figures["held_out_parameters"], figures["held_out_loss"]));
        Assert.Equal(2.5 + 300 * Math.Pow(1e7, -0.4), figures["held_out_predicted"], 0.02);
        Assert.True(figures["held_out_error"] < -0.6);
    }

    [Fact]
    public void Fit_TooFewPoints_IsRefused()
    {
        Assert.Throws<ArgumentException>(() => ScalingFit.Fit([(1, 1), (2, 1), (3, 1)]));
        Assert.Throws<ArgumentException>(() => ScalingFit.Fit([(1, 1), (2, 1), (3, 1), (4, 0)]));
        Assert.Throws<ArgumentException>(() => ScalingFit.Exponents([(1, 1), (1, 2), (2, 1), (3, 1)], 1, 0.9, new Random(1)));
    }
}
