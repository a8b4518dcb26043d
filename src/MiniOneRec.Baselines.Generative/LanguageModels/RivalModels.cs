using Microsoft.Extensions.Logging;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tensors;
using TorchSharp;

namespace MiniOneRec.Baselines.Generative;

/// <summary>Makes the language models that rivals start from.</summary>
internal static class RivalModels
{
    // Prompts are written for every sample, titles once or a few times: their words shall be tokens.
    private const int PromptCount = 50;

    /// <summary>Makes a model of text alone.</summary>
    /// <param name="options">Which model.</param>
    /// <param name="shared">Device and seed.</param>
    /// <param name="titles">What a tokenizer of its own learns from, beside the prompts.</param>
    /// <param name="category">What the items are, in the plural.</param>
    /// <param name="logger">Is told of unknown keys.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The path names neither a folder nor a file.</exception>
    /// <exception cref="InvalidDataException">A file of the pretrained model is damaged.</exception>
    public static async Task<(CausalLanguageModel Model, TextTokenizer Tokenizer)> TextAsync(
        LanguageModelOptions options, MiniOneRecOptions shared, IReadOnlyList<string> titles, string category, ILogger? logger,
        CancellationToken cancellationToken)
    {
        var device = TorchSeed.DeviceOf(shared.Device);
        if (options.PretrainedPath is { } path)
        {
            var known = await PretrainedBackbone.ReadTokenizerAsync(path, logger, cancellationToken).ConfigureAwait(false);
            var loaded = await TorchThread.RunAsync(
                "MiniOneRec load", () => PretrainedBackbone.LoadModel(path, BackboneRegistry.Default, device, logger))
                .ConfigureAwait(false);
            if (known.VocabularySize <= loaded.Config.VocabularySize)
            {
                loaded.eval();
                return (loaded, known);
            }

            int rows = loaded.Config.VocabularySize;
            loaded.Dispose();
            throw new InvalidDataException(
                $"'{path}': the tokenizer has {known.VocabularySize} tokens and the model only {rows} rows; they do not belong together.");
        }

        var tokenizer = TokenizerTrainer.Train([.. titles, .. Wordings(category)], options.VocabularySize);
        return (await FreshAsync(options, shared, tokenizer.VocabularySize).ConfigureAwait(false), tokenizer);
    }

    /// <summary>Makes a recommender that writes semantic IDs and text; its tokenizer has a token for each code.</summary>
    /// <param name="options">Which model.</param>
    /// <param name="shared">Device and seed.</param>
    /// <param name="index">The semantic IDs.</param>
    /// <param name="items">The items with their titles.</param>
    /// <param name="popularity">Orders the items of one semantic ID.</param>
    /// <param name="serving">How requests are served.</param>
    /// <param name="category">What the items are, in the plural.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async Task<GenerativeRecommender> WithCodesAsync(
        LanguageModelOptions options, MiniOneRecOptions shared, SemanticIdIndex index, IReadOnlyList<Item> items,
        IReadOnlyDictionary<string, double> popularity, RecommenderOptions serving, string category, CancellationToken cancellationToken)
    {
        if (options.PretrainedPath is { } path)
        {
            var modeling = new ModelingOptions { PretrainedPath = path, Recommender = serving };
            var factory = new GenerativeRecommenderFactory(modeling, shared) { Pretrained = new PretrainedModels() };
            return await factory.CreateAsync(index, items, popularity, cancellationToken).ConfigureAwait(false);
        }

        var tokenizer = TokenizerTrainer
            .Train([.. items.Select(item => item.Title), .. Wordings(category)], options.VocabularySize)
            .WithSemanticIds(index.LevelSizes, out _);
        var model = await FreshAsync(options, shared, tokenizer.VocabularySize).ConfigureAwait(false);
        return new GenerativeRecommender(model, index, new AlpacaTemplate(tokenizer, index.LevelSizes), serving, popularity);
    }

    /// <summary>Copies options of supervised training for texts: adapters without rows of new tokens, as there are none.</summary>
    /// <param name="options">The options.</param>
    /// <param name="seed">The seed.</param>
    public static SftOptions ForTitles(SftOptions options, int seed)
    {
        var copy = options.Copy();
        copy.Seed = seed;
        if (copy.Lora is { TrainNewRows: true } lora)
        {
            copy.Lora = lora.Copy();
            copy.Lora.TrainNewRows = false;
        }

        return copy;
    }

    /// <summary>Counts how often items occur.</summary>
    /// <param name="train">The users' sequences.</param>
    public static Dictionary<string, double> Count(IReadOnlyList<UserSequence> train)
    {
        var counts = new Dictionary<string, double>(StringComparer.Ordinal);
        foreach (string item in train.SelectMany(user => user.ItemIds))
        {
            counts[item] = counts.GetValueOrDefault(item) + 1;
        }

        return counts;
    }

    private static Task<CausalLanguageModel> FreshAsync(LanguageModelOptions options, MiniOneRecOptions shared, int tokens) =>
        TorchThread.RunAsync<CausalLanguageModel>("MiniOneRec create", () =>
        {
            TorchSeed.Apply(shared.Seed);
            var model = new DecoderModel(DecoderConfig.Small(tokens, options.HiddenSize, options.Layers, options.Heads));
            model.to(TorchSeed.DeviceOf(shared.Device));
            model.eval();
            return model;
        });

    private static IEnumerable<string> Wordings(string category)
    {
        var code = new SemanticId(0);
        Prompt[] prompts =
        [
            ReferencePrompts.NextSid([]), ReferencePrompts.TitleToSid(""), ReferencePrompts.SidToTitle(code),
            ReferencePrompts.NextTitle([]), ReferencePrompts.TitlesToSid([], category), ReferencePrompts.TitlesToTitle([], category, 0),
        ];
        return Enumerable.Repeat(prompts, PromptCount).SelectMany(all => all).SelectMany(AlpacaTemplate.RenderPrompt);
    }
}
