namespace MiniOneRec.Modeling;

/// <content>What is mixed into decoding beside the codes.</content>
public sealed partial class GenerativeRecommender
{
    private readonly List<IDisposable> _ownedShares = [];

    /// <summary>Gets or sets the scorers that are mixed into decoding beside <see cref="Prior"/>, each with its share; read once per
    /// batch.</summary>
    /// <remarks>
    /// Decoding follows the exact mixture at every prefix: codes, dense head (<see cref="DenseWeight"/>), <see cref="Prior"/> and these.
    /// The codes have what the shares leave of 1;
    /// requests fail with an <see cref="InvalidOperationException"/> where they leave less than nothing.
    /// </remarks>
    /// <exception cref="ArgumentException">A share is outside of 0 to 1, or an evidence negative.</exception>
    public IReadOnlyList<PriorShare> AdditionalPriors
    {
        get => _serving.Settings.More;
        set
        {
            ArgumentNullException.ThrowIfNull(value);
            foreach (var share in value)
            {
                ArgumentNullException.ThrowIfNull(share.Scorer, nameof(value));
                if (share.Weight is not (>= 0 and <= 1) || !(share.Evidence >= 0))
                {
                    throw new ArgumentException(
                        $"The prior '{share.Scorer.GetType().Name}' has the share {share.Weight} and the evidence {share.Evidence}; expected 0 to 1, and at least 0.", nameof(value));
                }
            }

            PriorShare[] all = [.. value];
            _serving.Change(settings => settings with { More = all });
        }
    }

    /// <summary>Gets or sets the share of the model's dense head, 0 to 1; of no effect on a model without; read once per batch.</summary>
    public double DenseWeight
    {
        get => _serving.Settings.Options.DenseWeight;
        set
        {
            ThrowUnless(value is >= 0 and <= 1, value, "0 to 1");
            _serving.Change(settings => settings.With(options => options.DenseWeight = value));
        }
    }

    /// <summary>Gets or sets how the probabilities of codes, dense head and priors rank the items that the beams found; read once per
    /// batch.</summary>
    public SourceFusion Fusion
    {
        get => _serving.Settings.Options.Fusion;
        set
        {
            ThrowUnless(Enum.IsDefined(value), (double)value, $"a {nameof(SourceFusion)}");
            _serving.Change(settings => settings.With(options => options.Fusion = value));
        }
    }

    /// <summary>Gets or sets what the history's last item loses of its score, in nats; <see langword="null"/> for as much as
    /// <see cref="HistoryPenalty"/>; read once per batch.</summary>
    public double? LastItemPenalty
    {
        get => _serving.Settings.Options.LastItemPenalty;
        set
        {
            ThrowUnless(value is null or (>= 0 and <= 1e6), value ?? 0, "0 to 1,000,000");
            _serving.Change(settings => settings.With(options => options.LastItemPenalty = value));
        }
    }

    /// <summary>Adds a prior that is disposed with the recommender.</summary>
    internal void Own(PriorShare share)
    {
        AdditionalPriors = [.. AdditionalPriors, share];
        if (share.Scorer is IDisposable owned)
        {
            _ownedShares.Add(owned);
        }
    }
}
