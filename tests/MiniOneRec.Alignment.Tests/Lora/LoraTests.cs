using System.Text.Json.Nodes;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tests;

public sealed class LoraTests
{
    private static readonly CompactTemplate Template = CompactTemplate.For(Toy.Index());

    [Fact]
    public void Attach_ChangesNothingAtFirst()
    {
        using var model = Toy.Model(Template);
        float[] before = Hidden(model);

        using var adapters = LoraAdapters.Attach(model);

        Assert.Equal(before, Hidden(model));
        Assert.Equal(14, adapters.Count);
    }

    [Fact]
    public void Merge_EqualsUnmerged()
    {
        using var model = Toy.Model(Template);
        float[] plain = Hidden(model);
        var adapters = LoraAdapters.Attach(model, new LoraOptions { Rank = 4 });
        Randomize(adapters);
        float[] attached = Hidden(model);

        adapters.Merge();

        Assert.NotEqual(plain, attached);
        Assert.All(attached.Zip(Hidden(model)), pair => Assert.Equal(pair.First, pair.Second, 1e-5));
        Assert.Null(LoraAdapters.Of(model));
    }

    [Fact]
    public async Task SaveAndLoad_GiveTheSameModel_InPeftsLayout()
    {
        using var folder = new TemporaryFolder();
        using var model = Toy.Model(Template);
        using var other = Toy.Model(Template);
        using var adapters = LoraAdapters.Attach(model, new LoraOptions { Rank = 4, Targets = ["q_proj", "down_proj"] });
        Randomize(adapters);
        using (no_grad())
        {
            model.EmbeddingWeight.narrow(0, 8, 3).add_(1);
        }

        await adapters.SaveAsync(folder["adapter"], "some/base", firstRow: 8);
        using var loaded = await LoraAdapters.LoadAsync(folder["adapter"], other);

        Assert.Equal(Hidden(model), Hidden(other));
        var config = JsonNode.Parse(await File.ReadAllTextAsync(Path.Combine(folder["adapter"], "adapter_config.json")))!;
        Assert.Equal("LORA", (string?)config["peft_type"]);
        Assert.Equal(8, (int)config["trainable_token_indices"]!["embed_tokens"]![0]!);
        var (entries, _, _) = MiniOneRec.Tensors.SafetensorsHeader.Read(Path.Combine(folder["adapter"], "adapter_model.safetensors"));
        Assert.Contains("base_model.model.model.layers.1.mlp.down_proj.lora_A.weight", entries.Keys);
        Assert.Contains("base_model.model.model.embed_tokens.token_adapter.trainable_tokens_delta", entries.Keys);
        Assert.Equal(5 * 2 - 1, entries.Count);
    }

    [Fact]
    public async Task Save_OverWhatIsNotAnAdapter_OrNotFinite_IsRefused()
    {
        using var folder = new TemporaryFolder();
        using var model = Toy.Model(Template);
        using var adapters = LoraAdapters.Attach(model);
        await adapters.SaveAsync(folder["adapter"]);
        await adapters.SaveAsync(folder["adapter"]);
        await File.WriteAllTextAsync(folder["adapter/README.md"], "mine");

        var foreign = await Assert.ThrowsAnyAsync<IOException>(() => adapters.SaveAsync(folder["adapter"]));

        Assert.Contains("'README.md'", foreign.Message, StringComparison.Ordinal);
        Assert.Equal("mine", await File.ReadAllTextAsync(folder["adapter/README.md"]));
        await adapters.SaveAsync(folder["adapter"], overwrite: true);
        Assert.False(File.Exists(folder["adapter/README.md"]));
        using (no_grad())
        {
            adapters.Tensors()[0].Value.fill_(float.NaN);
        }

        await Assert.ThrowsAsync<InvalidOperationException>(() => adapters.SaveAsync(folder["adapter"]));
        Assert.Equal(2, Directory.GetFiles(folder["adapter"]).Length);
    }

    [Fact]
    public async Task Train_WithAFolderForAdaptersThatIsNotTheirs_IsRefusedBeforeTheFirstStep()
    {
        using var folder = new TemporaryFolder();
        await File.WriteAllTextAsync(folder["thesis.txt"], "mine");
        using var recommender = Toy.Recommender(16).Recommender;
        var options = new SftOptions { Epochs = 1, Lora = new LoraOptions { SaveTo = folder.Root } };
        bool stepped = false;

        await Assert.ThrowsAnyAsync<IOException>(
            () => new SftTrainer(options).TrainAsync(recommender, Toy.Users(), null, new Immediate(_ => stepped = true)));

        Assert.False(stepped);
        Assert.Equal("mine", await File.ReadAllTextAsync(folder["thesis.txt"]));
    }

    [Fact]
    public async Task Load_OfAnotherModel_NamesTheKey()
    {
        using var folder = new TemporaryFolder();
        using var model = Toy.Model(Template);
        using var wider = Toy.Model(Template, width: 32);
        using var adapters = LoraAdapters.Attach(model);
        await adapters.SaveAsync(folder["adapter"]);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => LoraAdapters.LoadAsync(folder["adapter"], wider));

        Assert.Contains("lora_A", error.Message, StringComparison.Ordinal);
        Assert.Null(LoraAdapters.Of(wider));
    }

    [Fact]
    public void Attach_UnknownTarget_NamesWhatThereIs()
    {
        using var model = Toy.Model(Template);

        var error = Assert.Throws<ArgumentException>(() => LoraAdapters.Attach(model, new LoraOptions { Targets = ["query"] }));

        Assert.Contains("'query'", error.Message, StringComparison.Ordinal);
        Assert.Contains("q_proj", error.Message, StringComparison.Ordinal);
    }

    private static void Randomize(LoraAdapters adapters)
    {
        using var noGrad = no_grad();
        foreach (var (_, value) in adapters.Tensors())
        {
            value.normal_(0, 0.2);
        }
    }

    private static float[] Hidden(DecoderModel model)
    {
        model.eval();
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([[1, 8, 12, 16], [1, 9, 13]]);
        return model.Logits(model.Forward(batch)).data<float>().ToArray();
    }
}
