using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization.Tests;

public class FsqQuantizerTests
{
    [Fact]
    public async Task FitAsync_UnitVectorsCloseToOneAnother_UsesTheCodes()
    {
        // As text encoders give them: length 1, a large part in common, so each coordinate varies by a few hundredths.
        var table = NearUnit(400, 64, 12, seed: 5);
        using var quantizer = new FsqQuantizer(
            new() { Steps = [[4, 2], [4, 2]], HiddenWidths = [32], Training = new() { Epochs = 60, WarmupEpochs = 5, BatchSize = 64 } });

        var result = await quantizer.FitAsync(table);

        var codes = quantizer.Encode(table);
        Assert.All(Enumerable.Range(0, 2),
            level => Assert.InRange(Enumerable.Range(0, 400).Select(row => codes[row, level]).Distinct().Count(), 6, 8));
        Assert.InRange(quantizer.Reconstruct(table, codes).Unexplained, 0, 0.6);
        Assert.Equal(quantizer.Reconstruct(table, codes).Unexplained, result.History[^1].Metrics["loss"], 0.05);
    }

    [Fact]
    public async Task FitAsync_VectorsMovedAndScaled_GivesTheSameCodes()
    {
        var table = NearUnit(200, 16, 8, seed: 6);
        var moved = new EmbeddingTable(200, 16, [.. table.Values.ToArray().Select((value, i) => value * 64 + i % 16)]);
        var options = new FsqOptions { Steps = [[4, 2], [3, 2]], HiddenWidths = [16],
            Training = new() { Epochs = 10, WarmupEpochs = 2, BatchSize = 64 } };
        using var plain = new FsqQuantizer(options);
        using var other = new FsqQuantizer(options);

        await plain.FitAsync(table);
        await other.FitAsync(moved);

        var (a, b) = (plain.Encode(table).Values.ToArray(), other.Encode(moved).Values.ToArray());
        // all but what rounding puts on the other side of a step
        Assert.InRange(a.Zip(b, (x, y) => x == y ? 1.0 : 0).Average(), 0.97, 1);
        Assert.Equal(plain.Reconstruct(table).Unexplained, other.Reconstruct(moved).Unexplained, 0.01);
    }

    private static EmbeddingTable NearUnit(int count, int width, int centres, int seed)
    {
        float[] values = [.. Toy.Clusters(count, width, centres, 0.3, seed).Values.ToArray()
            .Select((value, i) => 0.3f * value + (i % width % 2 == 0 ? 1 : -1))];
        for (int row = 0; row < count; row++)
        {
            var vector = values.AsSpan(row * width, width);
            float length = MathF.Sqrt(VectorMath.SquaredDistance(vector, new float[width]));
            foreach (ref float value in vector)
            {
                value /= length;
            }
        }

        return new EmbeddingTable(count, width, values);
    }
}
