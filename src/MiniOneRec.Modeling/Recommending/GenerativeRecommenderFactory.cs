using Microsoft.Extensions.Logging;
using MiniOneRec.Tensors;
using TorchSharp;

namespace MiniOneRec.Modeling;

/// <summary>Makes recommenders with fresh weights for an index.</summary>
/// <param name="options">The size of the decoder and how it serves.</param>
/// <param name="shared">Device and seed.</param>
/// <param name="logger">Given to the recommenders.</param>
public sealed class GenerativeRecommenderFactory(
    ModelingOptions? options = null, MiniOneRecOptions? shared = null, ILogger<GenerativeRecommender>? logger = null)
{
    private readonly ModelingOptions _options =
        OptionsValidation.Validated(options ?? new ModelingOptions(), new ModelingOptionsValidator(), new ModelingOptionsRules());

    private readonly MiniOneRecOptions _shared = shared ?? new MiniOneRecOptions();

    /// <summary>Makes a recommender; equal seeds give equal weights.</summary>
    /// <param name="index">The catalogue's semantic IDs.</param>
    /// <param name="popularity">Orders the items of one semantic ID.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    public Task<GenerativeRecommender> CreateAsync(
        SemanticIdIndex index, IReadOnlyDictionary<string, double>? popularity = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(index);
        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec create", () =>
        {
            TorchSeed.Apply(_shared.Seed);
            var template = CompactTemplate.For(index);
            var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, _options.HiddenSize, _options.Layers, _options.Heads));
            model.to(TorchSeed.DeviceOf(_shared.Device));
            return new GenerativeRecommender(model, index, template, _options.Recommender, popularity, logger);
        });
    }
}
