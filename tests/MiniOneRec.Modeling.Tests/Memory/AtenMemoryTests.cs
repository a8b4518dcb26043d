using System.Reflection;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

public sealed class AtenMemoryTests
{
    private const int Calls = 10_000;
    private const double Bound = 4;                         // bytes per call; the smallest block of the allocator is 32

    private static readonly Dictionary<string, Action> Operators = Make();

    public static TheoryData<string> Names => [.. Operators.Keys];

    [SkippableTheory]
    [MemberData(nameof(Names))]
    public void Operator_CalledTenThousandTimes_LeavesNothingBehind(string name)
    {
        using var noGrad = no_grad();
        long tensors = Tensor.TotalCount;

        HeapGrowth.IsBounded(Calls, Bound, Operators[name]);

        // Finalizers of earlier tests may lower the count meanwhile; a leak raises it.
        Assert.InRange(Tensor.TotalCount, 0, tensors);
    }

    [Fact]
    public void Operators_EveryOneIsMeasured()
    {
        const BindingFlags Own = BindingFlags.Static | BindingFlags.Public | BindingFlags.DeclaredOnly;
        var methods = typeof(Aten).GetMethods(Own).Select(method => method.Name).Distinct();

        Assert.All(methods, method => Assert.Contains(Operators.Keys, name => name.StartsWith(method, StringComparison.Ordinal)));
    }

    [SkippableFact]
    public void TrainingSteps_LeaveNothingBehind()
    {
        using var model = new DecoderModel(DecoderConfig.Small(64, 32, 2, 2));
        model.train();
        using var optimizer = new FusedAdamW([(model.parameters().ToArray(), 0.01)]);

        HeapGrowth.IsBounded(300, 64, () =>
        {
            using var scope = NewDisposeScope();
            using var batch = TokenBatch.Of([[3, 5, 9, 11], [4, 8]]);
            var loss = -model.LogProbabilities(model.Forward(batch), tensor(new long[] { 5, 9, 11, 2, 8, 2 })).mean();
            loss.backward();
            optimizer.Step(1e-4, gradientDivisor: 1.5);
            optimizer.ZeroGrad();
        });
    }

    private static Dictionary<string, Action> Make()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        Tensor x = Kept(randn(8, 64)), wide = Kept(randn(8, 64)), weight = Kept(randn(64, 64)), bias = Kept(randn(64));
        Tensor packed = Kept(Aten.PackLinear(weight));
        Tensor odd = Kept(randn(37, 64)), q = Kept(randn(1, 2, 5, 16)), mask = Kept(ones(1, 1, 5, 5, dtype: ScalarType.Bool));
        Tensor[] parameters = [Kept(new Parameter(randn(6, 4))), Kept(new Parameter(randn(3)))];
        Tensor[] Like(Func<Tensor, Tensor> make) => [.. parameters.Select(parameter => Kept(make(parameter)))];
        Tensor[] gradients = Like(p => ones_like(p)), first = Like(p => zeros_like(p)), second = Like(p => zeros_like(p));
        Tensor codes = Kept(ones(8, 64, dtype: ScalarType.Byte)), small = Kept(ones(64, 64, dtype: ScalarType.Int8));
        Tensor one = Kept(ones(1)), zero = Kept(zeros(1, dtype: ScalarType.Int32)), zeros64 = Kept(zeros(64, dtype: ScalarType.Int32));
        Tensor scales = Kept(ones(64)), packed8 = Kept(Aten.PackInt8(small));
        Tensor step = Kept(ones([])), divisor = Kept(full([], Scalars.Of(2), dtype: ScalarType.Float32));
        return new Dictionary<string, Action>
        {
            ["FusedAdamW"] = () => Aten.FusedAdamW(parameters, gradients, first, second, step, 1e-3, 0.9, 0.999, 0.01, 1e-8),
            ["FusedAdamW, clipped"] = () =>
            Aten.FusedAdamW(parameters, gradients, first, second, step, 1e-3, 0.9, 0.999, 0.01, 1e-8, divisor),
            ["ScaledDotProductAttention"] = () => Aten.ScaledDotProductAttention(q, q, q, null, true, null, false).Dispose(),
            ["ScaledDotProductAttention, masked and scaled"] = () =>
            Aten.ScaledDotProductAttention(q, q, q, mask, false, 0.3, true).Dispose(),
            ["RmsNorm"] = () => Aten.RmsNorm(x, bias, 1e-6).Dispose(),
            ["ViewAs"] = () => Aten.ViewAs(x, ScalarType.Byte).Dispose(),
            ["PackLinear"] = () => Aten.PackLinear(weight).Dispose(),
            ["PackedLinear"] = () => Aten.PackedLinear(x, packed, null).Dispose(),
            ["PackedLinear, bias and silu"] = () => Aten.PackedLinear(x, packed, bias, LinearFunction.Silu).Dispose(),
            ["PackedLinear, plain weight"] = () => Aten.PackedLinear(x, weight, bias).Dispose(),
            ["PackedLinear, add"] = () => Aten.PackedLinear(x, wide, packed, null, LinearOperation.Add).Dispose(),
            ["PackedLinear, mul and bias"] = () => Aten.PackedLinear(x, wide, packed, bias, LinearOperation.Multiply).Dispose(),
            ["CpuLinear.Product, rows rounded up"] = () => CpuLinear.Product(odd, packed, bias).Dispose(),
            ["PackInt8"] = () => Aten.PackInt8(small).Dispose(),
            ["QuantizedLinear"] = () => Aten.QuantizedLinear(codes, one, zero, packed8, scales, zeros64).Dispose(),
            ["Int8Products"] = () => Aten.Int8Products(small, small).Dispose(),
            ["DataPointer"] = () => Aten.DataPointer(x),
            ["VersionOf"] = () => Aten.VersionOf(x),
            ["StorageBytes"] = () => Aten.StorageBytes(x),
        };

        static Tensor Kept(Tensor tensor) => tensor.DetachFromDisposeScope();
    }
}
