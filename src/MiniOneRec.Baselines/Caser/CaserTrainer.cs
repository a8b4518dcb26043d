using Microsoft.Extensions.Logging;

namespace MiniOneRec.Baselines;

/// <summary>Trains <see cref="CaserRecommender"/>.</summary>
/// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
/// <param name="shared">Device and seed.</param>
/// <param name="logger">Receives one message per epoch.</param>
/// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
public sealed class CaserTrainer(CaserOptions? options = null, MiniOneRecOptions? shared = null, ILogger<CaserTrainer>? logger = null)
    : SequentialTrainer<CaserOptions, CaserRecommender>(CaserRecommender.Kind, (options ?? new CaserOptions()).Validated(), shared, logger)
{
    private protected override SequentialModel CreateModel(int items, CaserOptions options) => new CaserModel(items, options);

    private protected override CaserRecommender CreateRecommender(ItemCatalogue catalogue, SequentialModel model, CaserOptions options) =>
        new(catalogue, model, options);
}
