namespace MiniOneRec.Modeling.Tests;

public sealed class MixtureSearchTests
{
    private const double Floor = 1e-4;

    [Theory]
    [InlineData(40, 2, SourceFusion.Geometric)]
    [InlineData(3, 2, SourceFusion.Linear)]                 // one row of 200 more, five that differ: within a standard error
    [InlineData(2, 3, SourceFusion.Linear)]
    public void Run_GeometricMean_ServesWhereItIsBetterByMoreThanAStandardError(int agreed, int alone, SourceFusion expected)
    {
        var table = Rows(agreed, alone, all: 200);

        var chosen = new MixtureSearch(table, new PriorTunerOptions()).Run(new Mixture([0.5, 0.5], 0, 0));

        Assert.Equal(expected, chosen.Fusion);
        var (hits, _) = table.Measure(chosen);
        Assert.Equal(expected == SourceFusion.Geometric ? (200.0 - alone) / 200 : (200.0 - agreed) / 200, hits, 1e-9);
    }

    // In some rows only the geometric mean ranks the target first, both sources agreeing on it; in others only the linear mean, one
    // source alone being sure of it; in the rest both do.
    private static MixtureTable Rows(int agreed, int alone, int all)
    {
        var table = new MixtureTable(2, cutoff: 1, Floor);
        for (int row = 0; row < all; row++)
        {
            table.Begin();
            if (row < agreed)
            {
                Add([0.3f, 0.3f], isTarget: true);
                Add([0.9f, 0], isTarget: false);
                Add([0, 0.9f], isTarget: false);
            }
            else if (row < agreed + alone)
            {
                Add([0.9f, 0], isTarget: true);
                Add([0.3f, 0.3f], isTarget: false);
            }
            else
            {
                Add([0.5f, 0.5f], isTarget: true);
                Add([0.1f, 0.1f], isTarget: false);
            }
        }

        return table;

        void Add(float[] probabilities, bool isTarget) => table.Add(probabilities, HistoryPlace.None, isTarget);
    }
}
