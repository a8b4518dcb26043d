using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class RowBucketsTests
{
    [Theory]
    [InlineData(0, 0)]
    [InlineData(1, 1)]
    [InlineData(16, 16)]
    [InlineData(17, 18)]
    [InlineData(32, 32)]
    [InlineData(33, 36)]
    [InlineData(100, 104)]
    [InlineData(129, 144)]
    [InlineData(4_096, 4_096)]
    [InlineData(4_097, 4_608)]
    public void Of_RoundsUp(long rows, long expected) => Assert.Equal(expected, RowBuckets.Of(rows));

    [Fact]
    public void Of_EveryNumber_CostsAnEighthAtMostAndFewValuesOccur()
    {
        long[] rounded = [.. Enumerable.Range(1, 4_096).Select(rows => RowBuckets.Of(rows))];

        Assert.All(rounded.Index(), entry => Assert.InRange(entry.Item, entry.Index + 1, (entry.Index + 1) * 9.0 / 8));
        Assert.Equal(rounded.Order(), rounded);
        Assert.Equal(80, rounded.Distinct().Count());
        Assert.All(rounded, value => Assert.Equal(value, RowBuckets.Of(value)));
    }

    [Theory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Widen_RoomOrNot_KeepsTheRows(ScalarType type)
    {
        using var scope = NewDisposeScope();
        Tensor values = randn(21, 8).to_type(type), roomy = RowBuckets.Empty(21, 8, type).copy_(values);
        Tensor offset = randn(40, 8).to_type(type).narrow(0, 5, 21), tight = randn(30, 8).to_type(type).narrow(0, 9, 21);
        var columns = randn(21, 16).to_type(type).narrow(1, 3, 8);

        foreach (var (x, copies) in new[] { (values, true), (roomy, false), (offset, false), (columns, true), (tight, true) })
        {
            var wide = RowBuckets.Widen(x, 22);

            Assert.Equal([22, 8], wide.shape);
            Assert.True(wide.is_contiguous());
            Assert.True((wide.narrow(0, 0, 21) == x).all().item<bool>());
            Assert.Equal(copies, !wide.bytes[..4].Overlaps(MemoryOf(x)));
        }
    }

    [SkippableTheory]
    [InlineData(ScalarType.Float32)]
    [InlineData(ScalarType.BFloat16)]
    public void Product_RowsRoundedUp_HasTheBitsOfTheRowsAlone(ScalarType type)
    {
        Skip.IfNot(CpuLinear.Packs(type), $"This processor packs no weights of type {type}.");
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        random.manual_seed(2);
        Tensor weight = randn(128, 64).to_type(type), bias = randn(128).to_type(type), packed = Aten.PackLinear(weight);
        foreach (int rows in new[] { 17, 37, 95, 130 })
        {
            Tensor x = randn(rows, 64).to_type(type), other = randn(rows, 128).to_type(type);

            Same(Aten.PackedLinear(x, packed, bias), CpuLinear.Product(x, packed, bias));
            Same(Aten.PackedLinear(x, packed, null, LinearFunction.Silu), CpuLinear.Product(x, packed, null, LinearFunction.Silu));
            Same(Aten.PackedLinear(x, other, packed, bias, LinearOperation.Add),
                CpuLinear.Product(x, other, packed, bias, LinearOperation.Add));
            Same(Aten.PackedLinear(x, other, packed, null, LinearOperation.Multiply),
                CpuLinear.Product(x, other, packed, null, LinearOperation.Multiply));
        }
    }

    [Fact]
    public void Product_WhatLiesBeyondTheRows_DoesNotCount()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor weight = Aten.PackLinear(randn(64, 64)), all = full([18, 64], Scalars.Of(double.NaN), dtype: ScalarType.Float32);
        var x = all.narrow(0, 0, 17);
        x.copy_(randn(17, 64));

        var y = CpuLinear.Product(x, weight, null);

        Assert.Equal([17, 64], y.shape);
        Assert.True(y.isfinite().all().item<bool>());
        Same(Aten.PackedLinear(x, weight, null), y);
    }

    private static void Same(Tensor expected, Tensor actual)
    {
        Assert.Equal(expected.shape, actual.shape);
        Assert.True(expected.contiguous().bytes.SequenceEqual(actual.contiguous().bytes));
    }

    private static Span<byte> MemoryOf(Tensor x) => x.is_contiguous() ? x.bytes : x.contiguous().bytes;
}
