using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;

namespace MiniOneRec.Tests;

/// <summary>However a batch is packed, split, chunked or recomputed, loss and gradient are the same.</summary>
public sealed class LossEqualityTests
{
    public static TheoryData<string> Families => ["qwen2-tied", "qwen2-untied-bf16-sharded", "qwen3", "llama"];

    [Theory]
    [MemberData(nameof(Families))]
    public void Packed_EqualsOneByOne(string family)
    {
        using var model = Load(family);
        var samples = Samples(8);
        var packed = Gradients(model, samples, new SftOptions());

        var alone = Gradients(model, samples, new SftOptions { MicroBatchTokens = 1 });

        AssertClose(alone, packed);
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void MicroBatches_OfOneTwoAndEight_AreEqual(string family)
    {
        using var model = Load(family);
        var samples = Samples(8, length: 12);
        var eight = Gradients(model, samples, new SftOptions { MicroBatchTokens = 8 * 12 });

        AssertClose(eight, Gradients(model, samples, new SftOptions { MicroBatchTokens = 2 * 12 }));
        AssertClose(eight, Gradients(model, samples, new SftOptions { MicroBatchTokens = 12 }));
    }

    [Theory]
    [MemberData(nameof(Families))]
    public void Checkpointing_ChangesNothing_NotEvenDropout(string family)
    {
        using var model = Load(family);
        var samples = Samples(6);
        model.Dropout = 0.3;
        var kept = Gradients(model, samples, new SftOptions());
        model.GradientCheckpointing = true;

        AssertClose(kept, Gradients(model, samples, new SftOptions()), tolerance: 0);
    }

    [Fact]
    public void Checkpointing_OfAModelThatServesPacked_ChangesNothing()
    {
        torch.random.manual_seed(5);
        using var model = new DecoderModel(DecoderConfig.Small(512, hiddenSize: 128, layers: 2, heads: 4)) { PackWeights = true };
        var samples = Samples(6);
        var kept = Gradients(model, samples, new SftOptions());
        model.GradientCheckpointing = true;

        AssertClose(kept, Gradients(model, samples, new SftOptions()), tolerance: 0);
    }

    [Fact]
    public void Checkpointing_ChangesNothing_NotEvenDropoutOfAdapters()
    {
        using var model = Load("qwen3");
        var samples = Samples(6);
        SftOptions Options() => new() { Lora = new LoraOptions { Rank = 4, Dropout = 0.3, Merge = false } };
        torch.random.manual_seed(4);
        using var adapters = LoraAdapters.Attach(model, Options().Lora);
        using (torch.no_grad())
        {
            foreach (var (_, value) in adapters.Tensors())
            {
                value.normal_(0, 0.2);
            }
        }

        var kept = AdapterGradients(model, adapters, samples, Options());
        model.GradientCheckpointing = true;

        AssertClose(kept, AdapterGradients(model, adapters, samples, Options()), tolerance: 0);
        Assert.All(kept.Gradients.Values, gradient => Assert.Contains(gradient, value => value != 0));
    }

    [Fact]
    public void HeadInChunks_EqualsOneChunk()
    {
        using var model = Load("qwen2-untied-bf16-sharded");
        var samples = Samples(6);

        var one = Gradients(model, samples, new SftOptions { LabelSmoothing = 0.1 });
        var many = Gradients(model, samples, new SftOptions { LabelSmoothing = 0.1 }, logitBudget: 3 * 512);

        AssertClose(one, many);
    }

    [Fact]
    public void SharedBeginnings_EqualSeparateSamples()
    {
        using var model = Load("qwen3");
        int[] start = [5, 6, 7, 8];
        TokenSample[] samples =
        [
            TokenSample.Of(start, [100, 101, 3], "t", "a"), TokenSample.Of([.. start, 9, 10], [102, 103, 3], "t", "b"),
                TokenSample.Of([.. start, 9, 11], [100, 104], "t", "c"),
        ];

        var separate = Gradients(model, samples, new SftOptions());
        var shared = Gradients(model, [.. samples.Select(sample => sample with { Group = "g" })], new SftOptions());

        AssertClose(separate, shared);
        // "9" is shared by the last two; last tokens are only predicted
        Assert.Equal(4 + 2 + 2 + 2 + 1 + 1, SampleTree.Of([.. samples]).TokenCount);
    }

    [Fact]
    public void Smoothing_EqualsCrossEntropyOfTorch()
    {
        using var model = Load("llama");
        var samples = Samples(3);
        var ours = Gradients(model, samples, new SftOptions { LabelSmoothing = 0.2 });

        foreach (var parameter in model.parameters())
        {
            parameter.grad = null;
        }

        using var scope = torch.NewDisposeScope();
        using var batch = TokenBatch.Of([.. samples.Select(sample => sample.Tokens)]);
        var hidden = model.Forward(batch);
        List<long> positions = [], targets = [];
        foreach (var (sample, offset) in samples.Zip(batch.Offsets))
        {
            foreach (int t in Enumerable.Range(1, sample.Tokens.Length - 1).Where(t => sample.Labels[t]))
            {
                positions.Add(offset + t - 1);
                targets.Add(sample.Tokens[t]);
            }
        }

        var logits = model.Logits(hidden.index_select(0, torch.tensor(positions)));
        var loss = torch.nn.functional.cross_entropy(logits, torch.tensor(targets), label_smoothing: 0.2);
        loss.backward();

        AssertClose(ours, (loss.item<float>(), Collect(model)));
    }

    [Fact]
    public void SoftLabels_EqualCrossEntropyOfTheirDistribution()
    {
        using var model = Load("qwen3");
        TokenSample[] samples =
        [
            TokenSample.Of([5, 6], [100, 101], "t", "a") with { SoftLabels = [new(2, [7, 100], [0.3f, 0.1f]), new(3, [9], [1f])] },
            TokenSample.Of([5, 6, 7], [102], "t", "b"),
            TokenSample.Of([8, 9], [103, 104], "t", "c") with { SoftLabels = [new(3, [3, 4, 5], [0.1f, 0.2f, 0.3f])] },
        ];
        var ours = Gradients(model, samples, new SftOptions { LabelSmoothing = 0.1 });
        AssertClose(ours, Gradients(model, samples, new SftOptions { LabelSmoothing = 0.1 }, logitBudget: 512));

        foreach (var parameter in model.parameters())
        {
            parameter.grad = null;
        }

        using var scope = torch.NewDisposeScope();
        using var batch = TokenBatch.Of([.. samples.Select(sample => sample.Tokens)]);
        var target = torch.zeros(5, 512);
        (int Row, int Token, double Share)[] shares =
            [(0, 100, 0.7), (0, 7, 0.3), (1, 9, 1), (2, 102, 1), (3, 103, 1), (4, 104, 0.4), (4, 3, 0.1), (4, 4, 0.2), (4, 5, 0.3)];
        foreach (var (row, token, share) in shares)
        {
            target[row, token] = (float)share;
        }

        var logits = model.Logits(model.Forward(batch).index_select(0, torch.tensor(new long[] { 1, 2, 6, 9, 10 })));
        var loss = -((target * 0.9 + 0.1 / 512) * logits.log_softmax(1)).sum() / 5;
        loss.backward();

        AssertClose(ours, (loss.item<float>(), Collect(model)));
    }

    [Theory]
    [InlineData("qwen2-tied")]
    [InlineData("qwen3")]
    [InlineData("llama")]
    public void LossAndGradients_EqualTheRecordedOnes(string family)
    {
        using var model = Load(family);
        using var scope = torch.NewDisposeScope();
        var expected = SafetensorsFile.Load(Path.Combine(TestData.Fixture(family), "expected.safetensors"));
        var samples = new List<TokenSample>();
        for (int row = 0; row < 3; row++)
        {
            int[] ids = Row(expected["input_ids"], row), mask = Row(expected["attention_mask"], row), labels = Row(expected["labels"], row);
            int pad = mask.Count(m => m == 0);
            bool[] isLabel = [.. labels[pad..].Select((label, t) => t > 0 && label >= 0)];
            samples.Add(new TokenSample(ids[pad..], isLabel, "t", $"{row}"));
        }

        var (loss, gradients) = Gradients(model, samples, new SftOptions { LabelSmoothing = 0 });

        Assert.Equal(expected["loss"].item<float>(), loss, 1e-5);
        int compared = 0;
        foreach (var (key, value) in expected.Where(pair => pair.Key.StartsWith("grad.", StringComparison.Ordinal)))
        {
            float[] wanted = value.data<float>().ToArray(), got = gradients[key[5..]];
            Assert.True(Distance(wanted, got) < 1e-4, $"{key}: {Distance(wanted, got)}");
            compared++;
        }

        Assert.True(compared > 10);
    }

    private static DecoderModel Load(string family) =>
        HuggingFaceFolder.Open(TestData.Fixture(family)).LoadDecoder(type: torch.ScalarType.Float32);

    private static int[] Row(torch.Tensor matrix, int row) => [.. matrix[row].data<long>().ToArray().Select(value => (int)value)];

    private static TokenSample[] Samples(int count, int length = 0)
    {
        var random = new Random(3);
        return [.. Enumerable.Range(0, count).Select(i =>
        {
            int total = length > 0 ? length : random.Next(3, 20), prompt = random.Next(1, total);
            int[] tokens = [.. Enumerable.Range(0, total).Select(_ => random.Next(512))];
            return TokenSample.Of(tokens.AsSpan(0, prompt), tokens.AsSpan(prompt), "t", $"{i}");
        })];
    }

    private static (double Loss, Dictionary<string, float[]> Gradients) Gradients(
        DecoderModel model, IReadOnlyList<TokenSample> samples, SftOptions options, long? logitBudget = null)
    {
        model.train();
        foreach (var parameter in model.parameters())
        {
            parameter.grad = null;
        }

        options.AverageDecay = 0;
        using var weights = new TrainedWeights(model, options, 0);
        using var step = new TrainingStep(model, weights, new Dictionary<string, int> { ["t"] = 0 }, options, logitBudget);
        var (loss, _) = step.Accumulate(SampleTree.Group(samples), step: 1);
        return (loss, Collect(model));
    }

    private static (double Loss, Dictionary<string, float[]> Gradients) AdapterGradients(
        DecoderModel model, LoraAdapters adapters, IReadOnlyList<TokenSample> samples, SftOptions options)
    {
        model.train();
        options.AverageDecay = 0;
        using var weights = new TrainedWeights(model, options, 500);
        using var step = new TrainingStep(model, weights, new Dictionary<string, int> { ["t"] = 0 }, options);
        var (loss, _) = step.Accumulate(SampleTree.Group(samples), step: 1);
        using var scope = torch.NewDisposeScope();
        return (loss, adapters.Tensors().ToDictionary(pair => pair.Name, pair => pair.Value.grad!.data<float>().ToArray()));
    }

    private static Dictionary<string, float[]> Collect(DecoderModel model)
    {
        using var scope = torch.NewDisposeScope();
        return model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.grad!.data<float>().ToArray());
    }

    /// <summary>The whole gradient within the tolerance, relative; each tensor, of which some nearly vanish, within five times
    /// that.</summary>
    private static void AssertClose(
        (double Loss, Dictionary<string, float[]> Gradients) expected, (double Loss, Dictionary<string, float[]> Gradients) actual,
        double tolerance = 1e-6)
    {
        Assert.Equal(expected.Loss, actual.Loss, Math.Max(1e-9, tolerance * expected.Loss));
        string[] names = [.. expected.Gradients.Keys];
        double whole =
            Distance([.. names.SelectMany(name => expected.Gradients[name])], [.. names.SelectMany(name => actual.Gradients[name])]);
        Assert.True(whole <= tolerance, $"all: {whole}");
        foreach (string name in names)
        {
            double distance = Distance(expected.Gradients[name], actual.Gradients[name]);
            Assert.True(distance <= 5 * tolerance, $"{name}: {distance}");
        }
    }

    private static double Distance(float[] expected, float[] actual)
    {
        double difference = 0, norm = 0;
        for (int i = 0; i < expected.Length; i++)
        {
            difference += Math.Pow(expected[i] - actual[i], 2);
            norm += Math.Pow(expected[i], 2);
        }

        return norm == 0 ? Math.Sqrt(difference) : Math.Sqrt(difference / norm);
    }
}
