using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization.Tests;

public class VectorQuantizerTests
{
    [Fact]
    public void BalancePenalty_EvenAndLopsidedUse_IsZeroAndLnK()
    {
        using var scope = NewDisposeScope();
        using var level = Level(4, 2, new CodebookOptions(), [0, 0, 10, 0, 0, 10, 10, 10]);

        Assert.Equal(0, level.BalancePenalty(tensor(new float[] { 0, 0, 10, 0, 0, 10, 10, 10 }).view(4, 2), 1).item<float>(), 1e-5);
        Assert.Equal(Math.Log(4), level.BalancePenalty(zeros(4, 2), 1).item<float>(), 1e-4);
        Assert.Equal(Math.Log(2), level.BalancePenalty(tensor(new float[] { 0, 0, 10, 0 }).view(2, 2), 1).item<float>(), 1e-4);

        // At a high temperature every code is as likely as any other.
        Assert.Equal(0, level.BalancePenalty(zeros(4, 2), 1e6).item<float>(), 1e-5);
    }

    [Fact]
    public void Update_DeadCode_MovesToTheResidualFarthestFromItsOwn()
    {
        using var scope = NewDisposeScope();
        using var level = Level(3, 1, new CodebookOptions { RevivalPatience = 3, RevivalThreshold = 1 }, [0, 1, 100]);
        var residual = tensor(new float[] { 0.1f, 1, 4 }).view(3, 1);
        var codes = level.Assign(residual, 0, 1);
        Assert.Equal([0L, 1, 1], codes.data<long>().ToArray());

        Assert.Equal((0, 0), (level.Update(residual, codes), level.Update(residual, codes)));
        Assert.Equal(100, level.Codebook[2].item<float>());
        Assert.Equal(1, level.Update(residual, codes));
        Assert.Equal(4, level.Codebook[2].item<float>(), 1e-2f);
        Assert.Equal([0f, 1], level.Codebook.narrow(0, 0, 2).data<float>().ToArray());
    }

    [Fact]
    public void Update_IdleButRecentlyPopularCode_IsNotDead()
    {
        using var scope = NewDisposeScope();
        using var level = Level(2, 1, new CodebookOptions { RevivalPatience = 1, RevivalThreshold = 0.3, UsageDecay = 0.8 }, [0, 10]);
        var residual = tensor(new float[] { 0, 0 }).view(2, 1);
        var codes = zeros(2, dtype: ScalarType.Int64);

        // Share of the idle code: 0.5, then 0.4, 0.32, and below the threshold at last.
        Assert.Equal([0L, 0, 1], ((int[])[1, 2, 3]).Select(_ => level.Update(residual, codes)));
    }

    [Fact]
    public void Update_MovingAverages_ApproachTheMeansOfTheResiduals()
    {
        using var scope = NewDisposeScope();
        using var level = Level(2, 1, new CodebookOptions { MovingAverage = true, Decay = 0.9, RevivalPatience = 0 }, [0, 10]);
        level.StartAverages(tensor(new float[] { 2, 2 }));
        var residual = tensor(new float[] { 1, 3, 8, 9 }).view(4, 1);

        level.Update(residual, level.Assign(residual, 0, 1));
        Assert.Equal(0.2f, level.Codebook[0].item<float>(), 1e-4f);                         // (0.9·2·0 + 0.1·4) / (0.9·2 + 0.1·2)
        Assert.Equal(9.85f, level.Codebook[1].item<float>(), 1e-3f);
        for (int step = 0; step < 200; step++)
        {
            level.Update(residual, level.Assign(residual, 0, 1));
        }

        Assert.Equal(2, level.Codebook[0].item<float>(), 1e-3f);
        Assert.Equal(8.5, level.Codebook[1].item<float>(), 1e-3f);
        Assert.False(level.Codebook.requires_grad);
    }

    [Fact]
    public void Update_MovingAveragesWithoutUse_LeavesTheCodeWhereItIs()
    {
        using var scope = NewDisposeScope();
        using var level = new VectorQuantizer(2, 3, new CodebookOptions { MovingAverage = true, RevivalPatience = 0 });
        float[] before = level.Codebook[1].data<float>().ToArray();

        level.Update(ones(8, 3), zeros(8, dtype: ScalarType.Int64));

        Assert.All(before.Zip(level.Codebook[1].data<float>().ToArray()), pair => Assert.Equal(pair.First, pair.Second, 1e-4f));
    }

    [Fact]
    public void Assign_Sinkhorn_SpreadsWhatTheNearestCodeCrowds()
    {
        using var scope = NewDisposeScope();
        using var level = Level(4, 1, new CodebookOptions(), [0, 1, 2, 3]);
        var residual = linspace(-0.1, 0.2, 16).view(16, 1);

        Assert.Single(level.Assign(residual, 0, 50).data<long>().ToArray().Distinct());
        Assert.Equal(4, level.Assign(residual, 0.05, 50).data<long>().ToArray().Distinct().Count());
    }

    [Fact]
    public void Constructor_Codebook_IsUniformWithinOneOverK()
    {
        using var scope = NewDisposeScope();
        manual_seed(3);
        using var level = new VectorQuantizer(50, 40, new CodebookOptions());

        float[] values = level.Codebook.data<float>().ToArray();
        Assert.InRange(values.Max(), 0.019f, 0.02f);
        Assert.InRange(values.Min(), -0.02f, -0.019f);
        Assert.Equal(0, values.Average(), 1e-3f);
    }

    private static VectorQuantizer Level(int codes, int width, CodebookOptions options, float[] centres)
    {
        var level = new VectorQuantizer(codes, width, options);
        level.Initialise(tensor(centres).view(codes, width));
        return level;
    }
}
