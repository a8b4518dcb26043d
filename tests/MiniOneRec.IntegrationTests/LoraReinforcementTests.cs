using System.Buffers.Binary;
using System.Text.Json;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using TorchSharp;

namespace MiniOneRec.IntegrationTests;

/// <summary>The adapters of supervised training, trained on by reinforcement: they alone learn, and the model without them is the
/// reference.</summary>
public sealed class LoraReinforcementTests
{
    private static readonly SemanticIdIndex Index =
        new(Enumerable.Range(0, 20).Select(i => KeyValuePair.Create($"i{i}", new SemanticId(i % 4, i / 4, i % 3))), [4, 5, 3]);

    private static readonly NextItemExample[] Users =
        [.. Enumerable.Range(0, 8).Select(u => new NextItemExample($"u{u}", [$"i{u}", $"i{u + 8}"], $"i{(u * 3) % 20}"))];

    [Fact]
    public async Task GrpoTrainer_AdaptersOfAlignment_LearnAloneAndAreSavedAsPeftDoes()
    {
        string folder = Path.Combine(Path.GetTempPath(), "minionerec-" + Guid.NewGuid().ToString("N"));
        try
        {
            using var recommender = Recommender();
            float[] backbone = Weights(recommender);
            string start = Lists(recommender);
            using var adapters = LoraAdapters.Attach(
                recommender.Model, new LoraOptions { Rank = 2, Targets = ["q_proj", "v_proj", "down_proj"], TrainNewRows = false });
            var options = new GrpoOptions
            {
                Steps = 12, PromptsPerStep = 8, GroupSize = 6, LearningRate = 0.02, WarmupSteps = 0,
                    Reference = new ReferenceOptions { Kind = ReferenceKind.AdapterOff },
                Guards = new GuardOptions { KlCeiling = 0 },
            };

            var result = await new GrpoTrainer([new ExactMatchReward(), new SharedPrefixReward()], options).TrainAsync(recommender, Users);

            // New adapters change nothing; then only they move, away from the model without them.
            Assert.Equal(0, result.History[0].Metrics.GetValueOrDefault("kl"));
            Assert.Equal(0, result.History[1].Metrics["kl"], 1e-9);
            Assert.True(result.History[^1].Metrics["kl"] > 1e-3, $"KL {result.History[^1].Metrics["kl"]}");
            Assert.True(result.History[^1].Metrics["reward"] > result.History[1].Metrics["reward"]);
            Assert.Equal(backbone, Weights(recommender));
            string trained = Lists(recommender);
            Assert.NotEqual(start, trained);

            // Saved in PEFT's layout, and again the same from there.
            await adapters.SaveAsync(folder);
            using var config = JsonDocument.Parse(await File.ReadAllTextAsync(Path.Combine(folder, "adapter_config.json")));
            Assert.Equal(("LORA", 2),
                (config.RootElement.GetProperty("peft_type").GetString(), config.RootElement.GetProperty("r").GetInt32()));
            Assert.Equal(
                ["lora_A.weight", "lora_B.weight"],
                Keys(Path.Combine(folder, "adapter_model.safetensors"))
                .Select(key => key.Split("base_model.model.model.layers.0.self_attn.q_proj.")).Where(parts => parts.Length == 2)
                .Select(parts => parts[1]).Order());
            using var again = Recommender();
            using var loaded = await LoraAdapters.LoadAsync(folder, again.Model);
            Assert.Equal(trained, Lists(again));

            // Without adapters the policy of the start is back: that was the reference.
            adapters.Dispose();
            Assert.Equal(start, Lists(recommender));
        }
        finally
        {
            if (Directory.Exists(folder))
            {
                Directory.Delete(folder, recursive: true);
            }
        }
    }

    private static GenerativeRecommender Recommender()
    {
        torch.random.manual_seed(5);
        var template = CompactTemplate.For(Index);
        return new GenerativeRecommender(new DecoderModel(DecoderConfig.Small(template.VocabularySize, 32, 2)), Index, template);
    }

    private static float[] Weights(GenerativeRecommender recommender) =>
        [.. recommender.Model.parameters().SelectMany(parameter => parameter.detach().data<float>().ToArray())];

    private static string Lists(GenerativeRecommender recommender) => string.Join('\n', recommender
        .Recommend([.. Users.Select(user => new RecommendationRequest { History = user.History, Count = 5 })])
        .Select(list => string.Join(' ', list.Items.Select(item => $"{item.ItemId}:{item.Score:R}"))));

    private static IEnumerable<string> Keys(string path)
    {
        byte[] file = File.ReadAllBytes(path);
        using var header = JsonDocument.Parse(file.AsMemory(8, (int)BinaryPrimitives.ReadInt64LittleEndian(file)));
        return [.. header.RootElement.EnumerateObject().Select(property => property.Name)];
    }
}
