using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement.Tests;

public sealed class GrpoLossTests
{
    private static readonly Dictionary<PolicyObjective, string> Keys = new()
    {
        [PolicyObjective.Grpo] = "grpo",
        [PolicyObjective.DrGrpo] = "dr_grpo",
        [PolicyObjective.Dapo] = "dapo",
        [PolicyObjective.Gspo] = "gspo",
        [PolicyObjective.OnPolicy] = "on_policy",
    };

    public static TheoryData<PolicyObjective, ScalarType, double> Cases()
    {
        var data = new TheoryData<PolicyObjective, ScalarType, double>();
        foreach (var objective in Enum.GetValues<PolicyObjective>())
        {
            data.Add(objective, ScalarType.Float64, 1e-9);
            data.Add(objective, ScalarType.Float32, 1e-6);
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Compute_RecordedBatch_EqualsRecordedLossAndGradient(PolicyObjective objective, ScalarType type, double tolerance)
    {
        using var scope = NewDisposeScope();
        var golden = SafetensorsFile.Load(Path.Combine(TestData.Fixture("grpo"), "expected.safetensors"));
        Tensor Of(string name) => golden[name].to_type(type);
        var policy = Of("new_logp").clone().requires_grad_();

        var terms = new GrpoLoss(objective, 0.2, 0.2, 0.04)
            .Compute(policy, Of("old_logp"), Of("ref_logp"), Of("advantage").view(-1), Of("mask"));
        terms.Loss.backward();

        Toy.Close(golden["loss." + Keys[objective]].squeeze(), terms.Loss, tolerance, "loss");
        Toy.Close(golden["grad." + Keys[objective]], policy.grad!, tolerance, "gradient");
        var kl = (golden["kl"] * golden["mask"]).sum() / golden["mask"].sum();
        Toy.Close(kl, terms.Kl, tolerance, "kl");
        Dispose(golden);
    }

    [Fact]
    public void Estimate_RecordedBatch_EqualsRecordedKl()
    {
        using var scope = NewDisposeScope();
        var golden = SafetensorsFile.Load(Path.Combine(TestData.Fixture("grpo"), "expected.safetensors"));

        var kl = GrpoLoss.Estimate(golden["ref_logp"] - golden["new_logp"], KlEstimator.K3);

        Toy.Close(golden["kl"], kl, 1e-9, "k3");
        var delta = golden["ref_logp"] - golden["new_logp"];
        Toy.Close(-delta, GrpoLoss.Estimate(delta, KlEstimator.K1), 1e-12, "k1");
        Toy.Close(delta * delta / 2, GrpoLoss.Estimate(delta, KlEstimator.K2), 1e-12, "k2");
        Dispose(golden);
    }

    [Theory]
    [InlineData(PolicyObjective.Grpo)]
    [InlineData(PolicyObjective.DrGrpo)]
    [InlineData(PolicyObjective.Dapo)]
    [InlineData(PolicyObjective.Gspo)]
    [InlineData(PolicyObjective.OnPolicy)]
    public void Compute_EqualPolicies_HasNoKlAndTheOnPolicyGradient(PolicyObjective objective)
    {
        using var scope = NewDisposeScope();
        random.manual_seed(5);
        var policy = (-rand(6, 3, dtype: ScalarType.Float64)).requires_grad_();
        var advantages = randn(6, dtype: ScalarType.Float64);
        var mask = ones(6, 3, dtype: ScalarType.Float64);

        var terms = new GrpoLoss(objective).Compute(policy, policy.detach(), policy.detach(), advantages, mask);
        terms.Loss.backward();

        Assert.Equal(0, terms.Kl.item<double>(), 1e-15);
        Assert.Equal(0, terms.ClipShare.item<double>());
        // The loss is the mean of −A, and its gradient the mean of −A ∇log π.
        Toy.Close(-advantages.mean(), terms.Loss, 1e-12, "loss");
        Toy.Close((-advantages / 18).unsqueeze(1).expand(6, 3), policy.grad!, 1e-12, "gradient");
    }

    [Fact]
    public void Compute_AsymmetricRanges_ClipsEachSideByItsOwn()
    {
        using var scope = NewDisposeScope();
        var old = zeros(2, 1, dtype: ScalarType.Float64);
        var policy = tensor([Math.Log(1.25), Math.Log(0.75)], [2, 1], dtype: ScalarType.Float64).requires_grad_();
        var advantages = tensor([1.0, -1.0]);

        var wide = new GrpoLoss(PolicyObjective.Dapo, 0.3, 0.28, klWeight: 0)
            .Compute(policy, old, null, advantages, ones(2, 1, dtype: ScalarType.Float64));
        var narrow = new GrpoLoss(PolicyObjective.Dapo, 0.2, 0.2, klWeight: 0)
            .Compute(policy, old, null, advantages, ones(2, 1, dtype: ScalarType.Float64));

        Assert.Equal(-(1.25 - 0.75) / 2, wide.Loss.item<double>(), 1e-12);
        Assert.Equal(-(1.2 - 0.8) / 2, narrow.Loss.item<double>(), 1e-12);
        Assert.Equal(0, wide.ClipShare.item<double>());
        Assert.Equal(1, narrow.ClipShare.item<double>());
        Assert.True(double.IsNaN(narrow.Kl.item<double>()));
    }

    [Fact]
    public void Compute_EntropyWeight_SubtractsTheMeanEntropy()
    {
        using var scope = NewDisposeScope();
        var policy = zeros(2, 2, dtype: ScalarType.Float64).requires_grad_();
        var mask = tensor([1.0, 1.0, 1.0, 0.0], [2, 2]);
        var entropy = tensor([1.0, 3.0, 5.0, 100.0], [2, 2]);

        var terms = new GrpoLoss(klWeight: 0, entropyWeight: 0.5)
            .Compute(policy, policy.detach(), null, zeros(2, dtype: ScalarType.Float64), mask, entropy);

        Assert.Equal(-0.5 * (2 + 5) / 2, terms.Loss.item<double>(), 1e-12);
    }

    [Fact]
    public void Compute_FarReference_StaysFinite()
    {
        using var scope = NewDisposeScope();
        var policy = full([1, 1], -500.0, dtype: ScalarType.Float64).requires_grad_();

        var terms = new GrpoLoss(klWeight: 1)
            .Compute(policy, policy.detach(), zeros_like(policy), zeros(1, dtype: ScalarType.Float64), ones_like(policy));

        Assert.True(double.IsFinite(terms.Loss.item<double>()));
    }

    [Fact]
    public void Compute_WrongShapes_NamesThem()
    {
        using var scope = NewDisposeScope();
        var policy = zeros(4, 3);
        var loss = new GrpoLoss();

        var shape = Assert.Throws<ArgumentException>(() => loss.Compute(policy, zeros(4, 2), policy, zeros(4), policy));
        Assert.Contains("oldLogProbs has shape [4, 2]; logProbs has [4, 3]", shape.Message, StringComparison.Ordinal);
        var count = Assert.Throws<ArgumentException>(() => loss.Compute(policy, policy, policy, zeros(5), policy));
        Assert.Contains("[4, 3] and [5]", count.Message, StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => loss.Compute(policy, policy, null, zeros(4), policy));
    }

    private static void Dispose(Dictionary<string, Tensor> tensors)
    {
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }
    }
}
