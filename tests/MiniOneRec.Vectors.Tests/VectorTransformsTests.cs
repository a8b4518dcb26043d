namespace MiniOneRec.Vectors.Tests;

public class VectorTransformsTests
{
    [Fact]
    public void Centre_PresentRows_HaveMeanZero()
    {
        var centred = Toy.Source("text", 20, 3, 1, 4, 5).Centre();

        Assert.All(centred.Mean(), value => Assert.Equal(0, value, 1e-5));
        Assert.Equal([0, 0, 0], centred[4].ToArray());
        Assert.Equal(18, centred.PresentCount);
    }

    [Fact]
    public void Normalise_ZeroVector_Stays()
    {
        var source = new VectorSource("text", ["a", "b"], 2, [3, 4, 0, 0]).Normalise();

        Assert.Equal([0.6f, 0.8f, 0, 0], source.Values.ToArray());
    }

    [Fact]
    public void Whiten_NoRidge_MakesTheCovarianceTheIdentity()
    {
        var white = Toy.Source("text", 50, 4, 1, 3).Whiten(ridge: 0);

        for (int i = 0; i < 4; i++)
        {
            for (int j = 0; j < 4; j++)
            {
                double covariance = Enumerable.Range(0, 50).Sum(row => (double)white[row][i] * white[row][j]) / 49;
                Assert.Equal(i == j ? 1 : 0, covariance, 1e-4);
            }
        }
    }

    [Fact]
    public void Whiten_Ridge_KeepsSmallDirectionsSmall()
    {
        // Variances 4 and 0.01 along the axes; mean 2.005.
        var source = new VectorSource("text", Toy.Ids(4), 2, [2, 0.1f, -2, 0.1f, 2, -0.1f, -2, -0.1f]);

        var white = source.Whiten(ridge: 0.1);

        Assert.Equal(2 / Math.Sqrt(4 + 0.2005), white[0][0], 1e-5);
        Assert.Equal(0.1 / Math.Sqrt(0.01 + 0.2005), white[0][1], 1e-5);
        Assert.Equal(1, source.Whiten(width: 1).Width);
    }

    [Fact]
    public void Whiten_DirectionWithoutVariance_IsLeftOut()
    {
        var source = new VectorSource("text", Toy.Ids(4), 3, [1, 5, 0, 2, 5, 1, 3, 5, 5, 4, 5, 2]);

        Assert.Equal(2, source.Whiten().Width);
        Assert.Throws<ArgumentException>(() => new VectorSource("text", ["a", "b"], 2, [1, 2, 1, 2]).Whiten());
        Assert.Throws<ArgumentException>(() => new VectorSource("text", ["a", "b"], 2, [1, 2, 1, 2], [true, false]).Whiten());
    }
}
