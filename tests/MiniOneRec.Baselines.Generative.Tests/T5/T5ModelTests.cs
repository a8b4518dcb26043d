using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Baselines.Generative.Tests.T5;

public sealed class T5ModelTests
{
    [Fact]
    [Trait("Category", "Parity")]
    public async Task Forward_LogitsLossAndGradients_EqualTheReference()
    {
        using var model = await T5Folder.LoadAsync(TestData.Fixture("t5"));
        using var scope = NewDisposeScope();
        var expected = Fixtures.Tensors("t5", "expected.safetensors");

        Fixtures.Close(expected["logits"], model.Forward(expected["input_ids"], expected["attention_mask"], expected["labels"]).detach(),
            1e-4, "logits");
        var loss = model.Loss(expected["input_ids"], expected["attention_mask"], expected["labels"]);
        autograd.backward([loss]);

        Fixtures.Close(expected["loss"].view(1), loss.detach().view(1), 1e-5, "loss");
        var parameters = model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        var gradients = expected.Where(pair => pair.Key.StartsWith("grad.", StringComparison.Ordinal)).ToArray();
        Assert.NotEmpty(gradients);
        Assert.All(gradients, pair => Fixtures.CloseRelative(pair.Value, parameters[pair.Key[5..]].grad!, 1e-4, pair.Key));
    }

    [Fact]
    [Trait("Category", "Parity")]
    public async Task SaveAsync_LoadedModel_WritesTheSameFile()
    {
        string folder = TestData.Fixture("t5");
        using var target = new TemporaryFolder();
        using var model = await T5Folder.LoadAsync(folder);

        await T5Folder.SaveAsync(target["saved"], model);

        Assert.Equal(File.ReadAllBytes(Path.Combine(folder, "model.safetensors")),
            File.ReadAllBytes(Path.Combine(target["saved"], "model.safetensors")));
        var written = JsonNode.Parse(File.ReadAllText(Path.Combine(target["saved"], "config.json")))!.AsObject();
        var original = JsonNode.Parse(File.ReadAllText(Path.Combine(folder, "config.json")))!.AsObject();
        Assert.All(written.Where(pair => original.ContainsKey(pair.Key)),
            pair => Assert.True(JsonNode.DeepEquals(original[pair.Key], pair.Value), pair.Key));
        using var again = await T5Folder.LoadAsync(target["saved"]);
        Assert.Equal(model.Config, again.Config);
    }

    [Fact]
    public void Decode_ManyRowsPerSequence_EqualsOneByOne()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        var inputs = tensor(new long[] { 5, 6, 7, 8, 9, 0, 3, 4, 0, 0, 0, 0 }).view(2, 6);
        var mask = inputs.ne(0).to_type(ScalarType.Int64);
        var prefixes = tensor(new long[] { 0, 11, 12, 0, 11, 13, 0, 14, 15, 0, 1, 2, 0, 1, 3, 0, 9, 9 }).view(6, 3);
        using var memory = model.Encode(inputs, mask);

        var together = model.Decode(memory, prefixes);

        for (int row = 0; row < 6; row++)
        {
            using var own = model.Encode(inputs.narrow(0, row / 3, 1), mask.narrow(0, row / 3, 1));
            Fixtures.Close(model.Decode(own, prefixes.narrow(0, row, 1)).squeeze(0), together[row], 1e-5, $"row {row}");
        }
    }

    [Fact]
    public void Encode_Padding_ChangesNothing()
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Toy();
        var prefix = tensor(new long[] { 0, 4 }).view(1, 2);
        using var plain = model.Encode(tensor(new long[] { 5, 6, 7 }).view(1, 3), ones(1, 3));
        using var left = model.Encode(tensor(new long[] { 0, 0, 5, 6, 7 }).view(1, 5), tensor(new float[] { 0, 0, 1, 1, 1 }).view(1, 5));
        using var right = model.Encode(tensor(new long[] { 5, 6, 7, 9 }).view(1, 4), tensor(new float[] { 1, 1, 1, 0 }).view(1, 4));

        var expected = model.Decode(plain, prefix);

        Fixtures.Close(expected, model.Decode(left, prefix), 1e-5, "left");
        Fixtures.Close(expected, model.Decode(right, prefix), 1e-5, "right");
    }

    [Fact]
    public void Loss_Training_FallsAndLeaksNothing()
    {
        using var model = Toy(dropout: 0.1);
        model.train();
        random.manual_seed(1);
        using var optimizer = optim.Adam(model.parameters(), 0.01);
        using var inputs = tensor(new long[] { 5, 6, 7, 8, 9, 10 }).view(2, 3);
        using var mask = ones(2, 3);
        using var labels = tensor(new long[] { 3, 1, 4, 1, -100, -100 }).view(2, 3);
        double Step()
        {
            using var scope = NewDisposeScope();
            optimizer.zero_grad();
            var loss = model.Loss(inputs, mask, labels);
            autograd.backward([loss]);
            optimizer.step();
            return loss.item<float>();
        }

        double first = Step();
        Step();
        long before = Tensor.TotalCount;
        double last = 0;
        for (int i = 0; i < 60; i++)
        {
            last = Step();
        }

        Assert.True(last < 0.3 * first, $"{first:f3} to {last:f3}");
        Assert.True(Tensor.TotalCount - before < 60, $"{Tensor.TotalCount - before} tensors more after 60 steps");
    }

    [Theory]
    [InlineData("num_heads", "0")]
    [InlineData("relative_attention_num_buckets", "3")]
    [InlineData("feed_forward_proj", "\"gated-gelu\"")]
    [InlineData("model_type", "\"bart\"")]
    [InlineData("num_layers", "9000000")]
    [InlineData("d_model", "\"x\"")]
    public async Task LoadT5Async_BadConfiguration_NamesTheKey(string key, string value)
    {
        string fixture = TestData.Fixture("t5");
        using var folder = new TemporaryFolder();
        File.Copy(Path.Combine(fixture, "model.safetensors"), folder["model.safetensors"]);
        var config = JsonNode.Parse(File.ReadAllText(Path.Combine(fixture, "config.json")))!;
        config[key] = JsonNode.Parse(value);
        File.WriteAllText(folder["config.json"], config.ToJsonString());

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => T5Folder.LoadAsync(folder.Path));

        Assert.Contains(key, error.Message, StringComparison.Ordinal);
    }

    private static T5Model Toy(double dropout = 0)
    {
        random.manual_seed(4);
        var model = new T5Model(new T5Config
        {
            VocabularySize = 16, ModelWidth = 16, HeadWidth = 4, FeedForwardWidth = 32, EncoderLayers = 2, DecoderLayers = 2,
                HeadCount = 4, Dropout = dropout,
        });
        model.eval();
        return model;
    }
}
