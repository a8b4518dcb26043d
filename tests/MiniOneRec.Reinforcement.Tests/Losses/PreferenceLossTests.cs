using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class PreferenceLossTests
{
    [Theory]
    [InlineData("sdpo", 4, ScalarType.Float64, 1e-9)]
    [InlineData("sdpo", 4, ScalarType.Float32, 1e-6)]
    [InlineData("dpo", 2, ScalarType.Float64, 1e-9)]
    [InlineData("dpo", 2, ScalarType.Float32, 1e-6)]
    public void Compute_RecordedBatch_EqualsRecordedLossAndGradient(string key, int columns, ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var golden = SafetensorsFile.Load(Path.Combine(TestData.Fixture("grpo"), "preference.safetensors"));
        var policy = golden["policy"].to_type(type).clone().requires_grad_();

        var (loss, _) = new PreferenceLoss(0.1)
            .Compute(policy.narrow(1, 0, columns), golden["reference"].to_type(type).narrow(1, 0, columns));
        loss.backward();

        Toy.Close(golden["loss." + key].squeeze(), loss, tolerance, "loss");
        Toy.Close(golden["grad." + key], policy.grad!, tolerance, "gradient");
        foreach (var tensor in golden.Values)
        {
            tensor.Dispose();
        }
    }

    [Fact]
    public void Compute_MaskedColumn_CountsAsAbsent()
    {
        using var scope = NewDisposeScope();
        random.manual_seed(1);
        var policy = randn(3, 4, dtype: ScalarType.Float64);
        var reference = randn(3, 4, dtype: ScalarType.Float64);
        var mask = ones(3, 4, dtype: ScalarType.Float64);
        mask.narrow(1, 3, 1).zero_();
        var loss = new PreferenceLoss(0.5);

        var masked = loss.Compute(policy, reference, mask);
        var narrow = loss.Compute(policy.narrow(1, 0, 3), reference.narrow(1, 0, 3));

        Toy.Close(narrow.Loss, masked.Loss, 1e-12, "loss");
        Toy.Close(narrow.Accuracy, masked.Accuracy, 0, "accuracy");
    }

    [Fact]
    public void Compute_NoRejectedColumn_Throws()
    {
        using var scope = NewDisposeScope();
        var error = Assert.Throws<ArgumentException>(() => new PreferenceLoss().Compute(zeros(3, 1), zeros(3, 1)));
        Assert.Contains("[3, 1]", error.Message, StringComparison.Ordinal);
    }
}
