using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization.Tests;

/// <summary>Against values recorded from the reference system; see the README beside the fixtures.</summary>
public class RqVaeParityTests
{
    public static TheoryData<string, bool, bool> Cases()
    {
        var cases = new TheoryData<string, bool, bool>();
        foreach (string folder in (string[])["equal", "unequal", "plus"])
        {
            foreach (bool textbook in (bool[])[true, false])
            {
                cases.Add(folder, textbook, true);
                cases.Add(folder, textbook, false);
            }
        }

        return cases;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Forward_RecordedWeights_GivesRecordedLossesAndGradients(string folder, bool textbook, bool wide)
    {
        using var golden = new Golden(folder, textbook, wide);
        using var scope = NewDisposeScope();
        var expected = golden.Load("forward");
        double tolerance = wide ? 1e-10 : 5e-6;

        var output = golden.Model.Forward(golden.Input);
        output.Latent.retain_grad();
        output.Loss.backward();

        Close(expected["latent"], output.Latent, tolerance);
        Assert.True((expected["codes"] == output.Quantised.Codes).all().item<bool>());
        Close(expected["residual"], output.Quantised.Residuals, tolerance);
        Close(expected["quantised"], output.Quantised.Quantised, tolerance);
        Close(expected["reconstruction"], output.Reconstruction, tolerance);
        Close(expected["loss.level"], output.Quantised.LevelLosses, tolerance);
        Close(expected["loss.quantisation"], output.Quantised.Loss, tolerance);
        Close(expected["loss.reconstruction"], output.ReconstructionLoss, tolerance);
        Close(expected["loss.total"], output.Loss, tolerance);
        var gradients = golden.Load("gradients." + golden.Mode);
        foreach (var (name, parameter) in golden.Parameters())
        {
            Close(gradients["grad." + name], parameter.grad!, wide ? 1e-10 : 2e-6);
        }

        Close(gradients["grad_latent.total"], output.Latent.grad!, wide ? 1e-10 : 2e-6);
    }

    [Fact]
    public void Forward_AbsoluteError_GivesRecordedLoss()
    {
        using var golden = new Golden("equal", textbook: true, wide: true, ReconstructionLoss.AbsoluteError);
        using var scope = NewDisposeScope();

        Close(golden.Load("forward")["loss.l1_reconstruction"], golden.Model.Forward(golden.Input).ReconstructionLoss, 1e-10);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_ThreeOfAdamW_GivesRecordedWeights(string folder, bool textbook, bool wide)
    {
        foreach (string decay in (string[])["0", "0.0001", "0.1"])
        {
            using var golden = new Golden(folder, textbook, wide);
            using var scope = NewDisposeScope();
            var expected = golden.Load("adamw." + golden.Mode);
            using var trainer = new RqVaeTrainer(golden.Model, new QuantizerTrainingOptions
            {
                ClipNorm = 0,
                WeightDecay = double.Parse(decay, System.Globalization.CultureInfo.InvariantCulture),
            });

            for (int step = 0; step < 3; step++)
            {
                trainer.Step(golden.Input, 1e-3);
                Close(expected[$"decay_{decay}.loss_after_step"][step], golden.Model.Forward(golden.Input).Loss, wide ? 1e-10 : 5e-6);
            }

            foreach (var (name, parameter) in golden.Parameters())
            {
                Close(expected[$"decay_{decay}.after.{name}"], parameter, wide ? 1e-10 : 5e-6);
            }
        }
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Step_ClippedWithWarmUp_GivesTheReferenceTrainersRun(string folder, bool textbook, bool wide)
    {
        using var golden = new Golden(folder, textbook, wide);
        using var scope = NewDisposeScope();
        var expected = golden.Load("trainer." + golden.Mode);
        double tolerance = wide ? 1e-10 : 2e-5;
        using var trainer = new RqVaeTrainer(golden.Model, new QuantizerTrainingOptions { ClipNorm = 1, WeightDecay = 1e-4 });
        for (int epoch = 0; epoch < 6; epoch++)
        {
            double sum = 0, reconstruction = 0;
            for (int batch = 0; batch < 2; batch++)
            {
                double rate = expected["learning_rate"].to_type(ScalarType.Float64)[epoch * 2 + batch].item<double>();
                var step = trainer.Step(golden.Input.narrow(0, batch * 32, 32), rate);
                Close(expected["gradient_norm"][epoch * 2 + batch], tensor(step.GradientNorm), wide ? 1e-10 : 2e-5);
                sum += step.Loss.to_type(ScalarType.Float64).item<double>();
                reconstruction += step.Reconstruction.to_type(ScalarType.Float64).item<double>();
            }

            Close(expected["epoch_loss_sum"][epoch], tensor(sum), tolerance);
            Close(expected["epoch_reconstruction_sum"][epoch], tensor(reconstruction), tolerance);
        }

        foreach (var (name, parameter) in golden.Parameters())
        {
            Close(expected["after." + name], parameter, tolerance);
        }
    }

    internal static void Close(Tensor expected, Tensor actual, double tolerance)
    {
        using var scope = NewDisposeScope();
        var wanted = expected.to_type(ScalarType.Float64).flatten();
        var difference = (wanted - actual.detach().to_type(ScalarType.Float64).flatten()).abs();
        double largest = (difference - tolerance * wanted.abs().clamp_min(1)).max().item<double>();
        Assert.True(largest <= 0, $"Differs by {difference.max().item<double>()}; allowed {tolerance} relative or absolute.");
    }

    /// <summary>A recorded model.</summary>
    private sealed class Golden : IDisposable
    {
        private readonly string _folder;
        private readonly string _suffix;
        private readonly List<Dictionary<string, Tensor>> _loaded = [];

        public Golden(string folder, bool textbook, bool wide, ReconstructionLoss loss = ReconstructionLoss.SquaredError)
        {
            _folder = Path.Combine(TestData.Fixture("rqvae"), folder);
            (_suffix, Mode) = (wide ? "f64" : "f32", textbook ? "textbook" : "reference");
            var weights = Read("weights");
            bool plus = folder == "plus";
            Model = new RqVae(
                new RqVaeOptions
                {
                    CodebookSizes = [.. Enumerable.Range(0, 26).TakeWhile(level => weights.ContainsKey($"codebook.{level}"))
                        .Select(level => (int)weights[$"codebook.{level}"].size(0))],
                    HiddenWidths = plus ? [16, 10] : [32, 16],
                    LatentWidth = plus ? 12 : 8,
                    Gradient = textbook ? ResidualGradient.Textbook : ResidualGradient.StraightThrough,
                    Loss = loss,
                    Codebooks = new() { RevivalPatience = 0 },
                },
                (int)weights["input"].size(1),
                residualEncoder: plus);
            var type = wide ? ScalarType.Float64 : ScalarType.Float32;
            Model.to(type);
            Input = weights["input"].to_type(type).DetachFromDisposeScope();
            using var _ = no_grad();
            foreach (var (name, parameter) in Parameters())
            {
                parameter.copy_(weights[name]);
            }
        }

        public RqVae Model { get; }

        public Tensor Input { get; }

        public string Mode { get; }

        public Dictionary<string, Tensor> Load(string name) => Read($"{name}.{_suffix}");

        /// <summary>The parameters by the fixture's names.</summary>
        public IEnumerable<(string Name, Tensor Value)> Parameters() => Model.named_parameters().Select(pair => (
            pair.name.Replace(".layers", "", StringComparison.Ordinal).Replace("quantizer.levels.", "codebook.", StringComparison.Ordinal)
            .Replace(".codebook", "", StringComparison.Ordinal),
            (Tensor)pair.parameter));

        public void Dispose()
        {
            Model.Dispose();
            Input.Dispose();
            foreach (var tensor in _loaded.SelectMany(tensors => tensors.Values))
            {
                tensor.Dispose();
            }
        }

        private Dictionary<string, Tensor> Read(string name)
        {
            var tensors = SafetensorsFile.Load(Path.Combine(_folder, name + ".safetensors"));
            _loaded.Add(tensors);
            return tensors;
        }
    }
}
