using System.Text.Json;
using FsCheck.Fluent;
using FsCheck.Xunit;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization.Tests;

public class BalancedAssignmentTests
{
    [Theory]
    [InlineData("reference_rule")]
    [InlineData("few_each")]
    [InlineData("exact")]
    [InlineData("lower_bound")]
    [InlineData("upper_bound")]
    [InlineData("one_each")]
    public void Solve_RecordedProblem_HasTheOptimalCost(string name)
    {
        using var scope = NewDisposeScope();
        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.Fixture("rqvae"), "case.json")));
        var problem = document.RootElement.GetProperty("balanced_assignment").GetProperty(name);
        var tensors = SafetensorsFile.Load(Path.Combine(TestData.Fixture("rqvae"), "kmeans", "balanced-assignment.safetensors"));
        var distances =
            cdist(tensors[name + ".points"].to_type(ScalarType.Float64), tensors[name + ".centroids"].to_type(ScalarType.Float64));
        int minimum = problem.GetProperty("size_min").GetInt32(), maximum = problem.GetProperty("size_max").GetInt32();
        foreach (var (objective, cost) in (IEnumerable<(string, Tensor)>)[("optimal_squared", distances.square()),
            ("optimal_euclidean", distances)])
        {
            int rows = (int)cost.size(0), columns = (int)cost.size(1);

            var result = BalancedAssignment.Solve(cost.to_type(ScalarType.Float32).contiguous().data<float>().ToArray(), rows, columns,
                minimum, maximum);

            double expected = problem.GetProperty(objective).GetDouble();
            Assert.Equal(expected, result.Cost, expected * 1e-6);
            Assert.Equal(expected, result.LowerBound, expected * 1e-6);
            AssertSizes(result.Labels, columns, minimum, maximum);
        }
    }

    [Property(MaxTest = 100)]
    public FsCheck.Property Solve_AnyProblem_IsProvedOptimalByItsPrices() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        var random = new Random(seed);
        int columns = random.Next(1, 12), rows = random.Next(columns, 400);
        int minimum = random.Next(0, rows / columns + 1), maximum = random.Next((rows + columns - 1) / columns, rows + 1);
        bool ties = random.Next(2) == 0;
        float[] cost = [.. Enumerable.Range(0, rows * columns).Select(_ => ties ? random.Next(0, 4) : (float)random.NextDouble())];

        var result = BalancedAssignment.Solve(cost, rows, columns, minimum, maximum);

        AssertSizes(result.Labels, columns, minimum, maximum);
        Assert.Equal(result.Cost, result.Labels.Select((column, row) => (double)cost[row * columns + column]).Sum(), 1e-6);
        Assert.Equal(result.Cost, result.LowerBound, 1e-3);
    });

    [Property(MaxTest = 100)]
    public FsCheck.Property Solve_SmallProblem_EqualsTheAssignmentOverCopiesOfTheColumns() =>
        Prop.ForAll(Gen.Choose(0, int.MaxValue - 1).ToArbitrary(), seed =>
    {
        // Every column as often as its bound: the first copies, up to the minimum, are so cheap that an optimum fills them.
        const double Reward = 1000;
        var random = new Random(seed);
        int columns = random.Next(1, 5), rows = random.Next(columns, 16);
        int minimum = random.Next(0, rows / columns + 1), maximum = random.Next((rows + columns - 1) / columns, rows + 1);
        float[] cost = [.. Enumerable.Range(0, rows * columns).Select(_ => (float)random.Next(0, 9))];
        double[] copies =
            [.. Enumerable.Range(0, rows * columns * maximum).Select(i => cost[i / maximum] - (i % maximum < minimum ? Reward : 0))];

        var result = BalancedAssignment.Solve(cost, rows, columns, minimum, maximum);

        double expected = LinearAssignment.Solve(copies, rows, columns * maximum)
            .Select((copy, row) => (double)cost[row * columns + copy / maximum]).Sum();
        Assert.Equal(expected, result.Cost, 1e-3);
        AssertSizes(result.Labels, columns, minimum, maximum);
    });

    [Fact]
    public void Interior_Prices_GiveEveryRowItsColumn()
    {
        var random = new Random(5);
        float[] cost = [.. Enumerable.Range(0, 300 * 7).Select(_ => (float)random.NextDouble())];

        var result = BalancedAssignment.Solve(cost, 300, 7, 42, 43);

        double[] prices = result.Interior();
        Assert.Equal(result.Labels,
            Enumerable.Range(0, 300).Select(row => Enumerable.Range(0, 7).MinBy(k => cost[row * 7 + k] + prices[k])));
    }

    [Fact]
    public void Solve_LargeProblem_StartsFromASampleAndIsOptimal()
    {
        var random = new Random(6);
        float[] cost = [.. Enumerable.Range(0, 3000 * 8).Select(i => (float)(random.NextDouble() + i % 8 * 0.1))];

        var sampled = BalancedAssignment.Solve(cost, 3000, 8, 374, 376);
        var plain = BalancedAssignment.Solve(cost, 3000, 8, 374, 376, new double[8]);

        Assert.Equal(plain.Cost, sampled.Cost, 1e-3);
        Assert.Equal(sampled.Cost, sampled.LowerBound, 1e-3);
        AssertSizes(sampled.Labels, 8, 374, 376);
    }

    [Theory]
    [InlineData(10, 3, 4, 5)]
    [InlineData(10, 3, 0, 3)]
    [InlineData(10, 3, 3, 2)]
    public void Solve_BoundsThatCannotBeKept_Throws(int rows, int columns, int minimum, int maximum) =>
        Assert.Throws<ArgumentException>(() => BalancedAssignment.Solve(new float[rows * columns], rows, columns, minimum, maximum));

    private static void AssertSizes(int[] labels, int columns, int minimum, int maximum)
    {
        int[] sizes = new int[columns];
        foreach (int label in labels)
        {
            sizes[label]++;
        }

        Assert.All(sizes, size => Assert.InRange(size, minimum, maximum));
    }
}
