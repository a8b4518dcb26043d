using Microsoft.Extensions.Logging;

namespace MiniOneRec.Baselines;

/// <summary>Trains <see cref="Gru4RecRecommender"/>.</summary>
/// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
/// <param name="shared">Device and seed.</param>
/// <param name="logger">Receives one message per epoch.</param>
/// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
public sealed class Gru4RecTrainer(Gru4RecOptions? options = null, MiniOneRecOptions? shared = null, ILogger<Gru4RecTrainer>? logger = null)
    : SequentialTrainer<Gru4RecOptions,
        Gru4RecRecommender>(Gru4RecRecommender.Kind, (options ?? new Gru4RecOptions()).Validated(), shared, logger)
{
    private protected override SequentialModel CreateModel(int items, Gru4RecOptions options) => new Gru4RecModel(items, options);

    private protected override Gru4RecRecommender CreateRecommender(ItemCatalogue catalogue, SequentialModel model,
        Gru4RecOptions options) =>
        new(catalogue, model, options);
}
