using FsCheck.Fluent;
using FsCheck.Xunit;

namespace MiniOneRec.Tokenization.Tests;

public class LinearAssignmentTests
{
    [Property(MaxTest = 200)]
    public FsCheck.Property Solve_SmallProblem_EqualsBruteForce() => Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        int rows = random.Next(1, 6), columns = random.Next(rows, 8);
        double[] cost = [.. Enumerable.Range(0, rows * columns).Select(_ => (double)random.Next(0, 12))];

        int[] assigned = LinearAssignment.Solve(cost, rows, columns);

        Assert.Equal(rows, assigned.Distinct().Count());
        Assert.Equal(Best(cost, rows, columns, 0, 0), assigned.Select((column, row) => cost[row * columns + column]).Sum());
    });

    [Fact]
    public void Solve_MoreRowsThanColumns_Throws() => Assert.Throws<ArgumentException>(() => LinearAssignment.Solve([1, 2], 2, 1));

    private static double Best(double[] cost, int rows, int columns, int row, int used) => row == rows
        ? 0
        : Enumerable.Range(0, columns).Where(column => (used >> column & 1) == 0)
            .Min(column => cost[row * columns + column] + Best(cost, rows, columns, row + 1, used | 1 << column));
}
