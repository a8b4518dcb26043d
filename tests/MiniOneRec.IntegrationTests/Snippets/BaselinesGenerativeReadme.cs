using MiniOneRec.Baselines.Generative;
using MiniOneRec.Modeling;

namespace MiniOneRec.IntegrationTests.Snippets;

internal static class BaselinesGenerativeReadme
{
    public static async Task<IReadOnlyList<IReadOnlyList<Beam>>> Run(
        CompactTemplate template, SemanticIdTrie trie, IReadOnlyList<SemanticId> history)
    {
        var config = new T5Config
        {
            VocabularySize = template.VocabularySize, ModelWidth = 128, HeadWidth = 64, FeedForwardWidth = 1_024, HeadCount = 6, EncoderLayers = 4, DecoderLayers = 4,
        };
        using var model = new T5Model(config);
        await T5Folder.SaveAsync("models/t5", model);                        // config.json and safetensors, as Hugging Face writes them
        using var loaded = await T5Folder.LoadAsync("models/t5");

        var query = new BeamQuery(template.EncodePrompt(template.NextItem(history)));
        var beams = new ConstrainedBeamSearch().Search(new T5DecodingBackbone(loaded), [query], trie, template);
        return beams;
    }
}
