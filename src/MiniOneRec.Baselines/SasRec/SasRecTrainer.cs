using Microsoft.Extensions.Logging;

namespace MiniOneRec.Baselines;

/// <summary>Trains <see cref="SasRecRecommender"/>.</summary>
/// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
/// <param name="shared">Device and seed.</param>
/// <param name="logger">Receives one message per epoch.</param>
/// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
public sealed class SasRecTrainer(SasRecOptions? options = null, MiniOneRecOptions? shared = null, ILogger<SasRecTrainer>? logger = null)
    : SequentialTrainer<SasRecOptions,
        SasRecRecommender>(SasRecRecommender.Kind, (options ?? new SasRecOptions()).Validated(), shared, logger)
{
    private protected override SequentialModel CreateModel(int items, SasRecOptions options) => new SasRecModel(items, options);

    private protected override SasRecRecommender CreateRecommender(ItemCatalogue catalogue, SequentialModel model, SasRecOptions options) =>
        new(catalogue, model, options);
}
