using System.Text.Json;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization.Tests;

public class KMeansTests
{
    private static string Folder => Path.Combine(TestData.Fixture("rqvae"), "kmeans");

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(5)]
    [InlineData(100)]
    public void Lloyd_RecordedStart_GivesRecordedCentresAndLabels(int iterations)
    {
        using var scope = NewDisposeScope();
        var tensors = SafetensorsFile.Load(Path.Combine(Folder, "lloyd.safetensors"));
        using var document = Figures();
        var expected = document.RootElement.GetProperty("lloyd").GetProperty($"{iterations}");

        var result = KMeans.Lloyd(tensors["points"], tensors["initial"], iterations, 0, CancellationToken.None);

        RqVaeParityTests.Close(tensors[$"centres.{iterations}"], result.Centres, 1e-6);
        Assert.True((tensors[$"labels.{iterations}"] == result.Labels).all().item<bool>());
        Assert.Equal(expected.GetProperty("inertia").GetDouble(), result.Inertia, 1e-4);
        Assert.Equal(expected.GetProperty("iterations").GetInt32(), result.Iterations);
    }

    [Fact]
    public void Fit_MoreStarts_IsNoWorse()
    {
        using var scope = NewDisposeScope();
        var points = Toy.Clusters(300, 4, 30, 0.2, seed: 2).ToTensor();

        double one = KMeans.Fit(points, 20, new KMeansSettings(Restarts: 1), new Random(1), CancellationToken.None).Inertia;
        double five = KMeans.Fit(points, 20, new KMeansSettings(Restarts: 5), new Random(1), CancellationToken.None).Inertia;

        Assert.True(five <= one);
    }

    [Fact]
    public void Fit_MiniBatches_ComesCloseToTheFullBatch()
    {
        using var scope = NewDisposeScope();
        var points = Toy.Clusters(600, 4, 10, 0.1, seed: 2).ToTensor();

        double full = KMeans.Fit(points, 10, new KMeansSettings(Restarts: 3), new Random(1), CancellationToken.None).Inertia;
        double batches = KMeans.Fit(points, 10, new KMeansSettings(MaxIterations: 20, Restarts: 3, BatchSize: 100), new Random(1),
            CancellationToken.None).Inertia;

        Assert.InRange(batches, full * 0.99, full * 1.3);
    }

    [Fact]
    public void Lloyd_ClusterWithoutPoints_TakesAFarPoint()
    {
        using var scope = NewDisposeScope();
        var points = tensor(new float[] { 0, 1, 10, 11 }).view(4, 1);

        var result = KMeans.Lloyd(points, tensor(new float[] { 0.5f, 100 }).view(2, 1), 10, 0, CancellationToken.None);

        Assert.Equal(1.0, result.Inertia, 1e-4);
    }

    [Fact]
    public void PlusPlus_AllPointsEqual_StillDrawsK()
    {
        using var scope = NewDisposeScope();

        Assert.Equal(3, KMeans.PlusPlus(ones(5, 2), 3, new Random(1), CancellationToken.None).size(0));
    }

    [Fact]
    public async Task ResidualQuantizers_RecordedPoints_LeaveNoMoreThanTheReferences()
    {
        float[] points = Read("residual", "points");
        var table = new EmbeddingTable(320, 12, points);
        using var document = Figures();
        var figures = document.RootElement.GetProperty("residual");
        double Mse(string name) => figures.GetProperty(name).GetProperty("mse").GetDouble();

        async Task<double> MseOfAsync(IQuantizer quantizer)
        {
            using (quantizer)
            {
                await quantizer.FitAsync(table);
                return quantizer.Reconstruct(table).MeanSquaredError;
            }
        }

        Assert.InRange(await MseOfAsync(new RqKMeansQuantizer(new() { CodebookSizes = [16, 16, 16], Restarts = 10 })), 0,
            Mse("plain_rqkmeans_sklearn") * 1.05);
        Assert.InRange(await MseOfAsync(new RqKMeansQuantizer(new() { CodebookSizes = [8, 8, 8], Balanced = true })), 0,
            Mse("constrained_rqkmeans") * 1.05);
        Assert.InRange(await MseOfAsync(new RqOpqQuantizer(new() { ResidualSizes = [], ProductSizes = [16, 16, 16, 16] })), 0,
            Mse("faiss_opq") * 1.05);
        Assert.InRange(await MseOfAsync(new RqOpqQuantizer(new() { ResidualSizes = [16, 16], ProductSizes = [16, 16] })), 0,
            Mse("rq2_then_opq2") * 1.05);
    }

    [Fact]
    public void ResidualKMeans_Starts_KeepsTheOneWithFewestCollisionsAmongTheNearlyBest()
    {
        using var scope = NewDisposeScope();
        var table = Toy.Clusters(300, 6, 60, 0.3, 4);
        var x = table.ToTensor();
        RqKMeansOptions Options(int restarts) => new() { CodebookSizes = [8, 8], Restarts = restarts };
        (double Error, int Paths) Measure(Random random, int restarts)
        {
            var (codebooks, history) = ResidualKMeans.Fit("", x, Options(restarts), random, null, CancellationToken.None);
            using (codebooks)
            {
                var codes = codebooks.Encode(x);
                return (history[^1].Metrics["mse"],
                    (codes.select(1, 0) * 8 + codes.select(1, 1)).data<long>().ToArray().Distinct().Count());
            }
        }

        var stream = new Random(1);
        var alone = Enumerable.Range(0, 6).Select(_ => Measure(stream, 1)).ToArray();
        var chosen = Measure(new Random(1), 6);

        var near = alone.Where(start => start.Error <= 1.01 * alone.Min(other => other.Error)).ToArray();
        Assert.True(near.Length < 6 || near.Select(start => start.Paths).Distinct().Count() > 1, "the starts must differ");
        Assert.Equal(near.Max(start => start.Paths), chosen.Paths);
        Assert.Contains(chosen.Error, near.Select(start => start.Error));
    }

    [Fact]
    public async Task FitAsync_Progress_TellsOfIterationsWithinLevels()
    {
        var reports = new List<TrainingProgress>();
        using var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [8, 4], Restarts = 2 });

        await quantizer.FitAsync(Toy.Clusters(100, 6, 20, 0.3, 4), new Collect(reports));

        Assert.Equal([1L, 2, 3, 4], reports.Where(report => report.Metrics.ContainsKey("mse")).Select(report => report.Step));
        Assert.All(reports, report => Assert.Equal(4, report.TotalSteps));
        Assert.True(reports.Count(report => report.Metrics.ContainsKey("iteration")) >= 4);
    }

    [Fact]
    public void Encode_FaissCodebooks_GivesItsCodes()
    {
        using var scope = NewDisposeScope();
        var tensors = SafetensorsFile.Load(Path.Combine(Folder, "residual.safetensors"));
        var books = tensors["faiss.codebooks"];
        using var codebooks = new ResidualCodebooks([.. Enumerable.Range(0, 3).Select(level => new Codebook(books[level].clone(), null))]);

        var codes = codebooks.Encode(tensors["points"].to_type(books.dtype));

        Assert.True((codes == tensors["faiss.codes"].to_type(ScalarType.Int64)).all().item<bool>());
    }

    private sealed class Collect(List<TrainingProgress> reports) : IProgress<TrainingProgress>
    {
        public void Report(TrainingProgress value) => reports.Add(value);
    }

    private static JsonDocument Figures() => JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.Fixture("rqvae"), "case.json")));

    private static float[] Read(string file, string key)
    {
        using var scope = NewDisposeScope();
        var tensors = SafetensorsFile.Load(Path.Combine(Folder, file + ".safetensors"));
        return tensors[key].to_type(ScalarType.Float32).contiguous().data<float>().ToArray();
    }
}
