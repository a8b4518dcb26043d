using Microsoft.Extensions.Logging;

namespace MiniOneRec.Baselines;

/// <summary>Trains <see cref="HstuRecommender"/>.</summary>
/// <param name="options">The options, or <see langword="null"/> for the defaults; copied.</param>
/// <param name="shared">Device and seed.</param>
/// <param name="logger">Receives one message per epoch.</param>
/// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
public sealed class HstuTrainer(HstuOptions? options = null, MiniOneRecOptions? shared = null, ILogger<HstuTrainer>? logger = null)
    : SequentialTrainer<HstuOptions, HstuRecommender>(HstuRecommender.Kind, (options ?? new HstuOptions()).Validated(), shared, logger)
{
    private protected override SequentialModel CreateModel(int items, HstuOptions options) => new HstuModel(items, options);

    private protected override HstuRecommender CreateRecommender(ItemCatalogue catalogue, SequentialModel model, HstuOptions options) =>
        new(catalogue, model, options);

    private protected override HstuOptions Resolve(HstuOptions options, IReadOnlyList<UserSequence> train)
    {
        var without = train.FirstOrDefault(user => user.Timestamps is null || user.Timestamps.Count != user.ItemIds.Count);
        if (options.TimeBias == true && without is not null)
        {
            throw new ArgumentException(
                $"TimeBias needs a time for every item; user '{without.UserId}' has {without.ItemIds.Count} items "
                + $"and {without.Timestamps?.Count ?? 0} times. Leave TimeBias null or false for data without times.",
                nameof(train));
        }

        options.TimeBias ??= train.Count > 0 && without is null;
        return options;
    }

    private protected override bool ReadsTimes(HstuOptions options) => options.TimeBias == true;
}
