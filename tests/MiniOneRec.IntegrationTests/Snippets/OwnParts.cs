using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using static TorchSharp.torch;

namespace MiniOneRec.IntegrationTests.Snippets;

/// <summary>How an application registers a template and a backbone of its own, as the Modeling README shows it.</summary>
internal static class OwnParts
{
    public static async Task<string> LoadAsync(string folder)
    {
        PromptTemplateRegistry.Default.Register(new PromptTemplateLoader("last-items", description => LastItems.From(description)));
        BackboneRegistry.Default.Register(new BackboneLoader("scaled-decoder", source => source.Load(() => new ScaledDecoder(source.ReadDecoderConfig("qwen2")))));
        using var recommender = await GenerativeRecommender.LoadAsync(folder);
        return $"{recommender.Template.Name} {recommender.Model.GetType().Name}";
    }

    /// <summary>Saves a recommender with both.</summary>
    public static async Task SaveAsync(SemanticIdIndex index, string folder)
    {
        var template = new LastItems(index.LevelSizes);
        using var recommender =
            new GenerativeRecommender(new ScaledDecoder(DecoderConfig.Small(template.VocabularySize, 16, 1, 2)), index, template);
        await recommender.SaveAsync(folder);
    }

    private sealed class LastItems(IReadOnlyList<int> levelSizes) : IPromptTemplate
    {
        private readonly CompactTemplate _codes = new(levelSizes);

        public string Name => "last-items";

        public SemanticIdVocabulary Vocabulary => _codes.Vocabulary;

        public int VocabularySize => _codes.VocabularySize;

        public IReadOnlyList<int> Terminator => [];

        public static LastItems From(JsonObject description) => new([.. description["levels"]!.AsArray().Select(size => (int)size!)]);

        public Prompt NextItem(IReadOnlyList<SemanticId> history) => _codes.NextItem([.. history.TakeLast(2)]);

        public int[] EncodePrompt(Prompt prompt) => _codes.EncodePrompt(prompt);

        public int[] EncodeResponse(SemanticId semanticId) => _codes.EncodeResponse(semanticId);

        public int[] EncodeResponse(string text) => _codes.EncodeResponse(text);

        public JsonObject Describe() =>
            new() { ["name"] = Name, ["levels"] = new JsonArray([.. Vocabulary.LevelSizes.Select(size => (JsonNode)size)]) };
    }

    private sealed class ScaledDecoder : CausalLanguageModel
    {
        private readonly DecoderModel _decoder;
        private readonly TorchSharp.Modules.Parameter _gain;

        public ScaledDecoder(DecoderConfig config)
            : base(nameof(ScaledDecoder))
        {
            (_decoder, _gain) = (new DecoderModel(config), nn.Parameter(ones(config.HiddenSize)));
            RegisterComponents();
        }

        public override DecoderConfig Config => _decoder.Config;

        public override Device Device => _decoder.Device;

        public override Tensor HeadWeight => _decoder.HeadWeight;

        public override Tensor EmbeddingWeight => _decoder.EmbeddingWeight;

        public override JsonObject DescribeConfig(string dataType = "float32")
        {
            var config = base.DescribeConfig(dataType);
            config["model_type"] = "scaled-decoder";
            return config;
        }

        public override Tensor Forward(TokenBatch batch, PromptCache? cache = null)
        {
            using var hidden = _decoder.Forward(batch, cache);
            return hidden * _gain;
        }

        public override Tensor Extend(PromptCache cache, DecodingStep step)
        {
            using var hidden = _decoder.Extend(cache, step);
            return hidden * _gain;
        }
    }
}
