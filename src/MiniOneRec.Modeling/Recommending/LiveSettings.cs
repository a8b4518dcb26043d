using System.Runtime.CompilerServices;

namespace MiniOneRec.Modeling;

/// <summary>
/// The settings that may be changed while a recommender serves: checks a value, then replaces the version that batches read. Safe for
/// concurrent use; no concurrent change is lost.
/// </summary>
/// <param name="options">The options to begin with; not changed afterwards.</param>
internal sealed class LiveSettings(RecommenderOptions options)
{
    private ServingSettings _current = new(options, null);

    /// <summary>Gets the present version.</summary>
    public ServingSettings Current => Volatile.Read(ref _current);

    /// <summary>Gets the options of the present version.</summary>
    public RecommenderOptions Options => Current.Options;

    /// <summary>Replaces the present version by a changed one.</summary>
    /// <param name="change">Makes the changed version; called again where another change came between.</param>
    public void Change(Func<ServingSettings, ServingSettings> change)
    {
        ServingSettings seen;
        do
        {
            seen = Current;
        }
        while (!ReferenceEquals(Interlocked.CompareExchange(ref _current, change(seen), seen), seen));
    }

    /// <summary>Sets a share.</summary>
    /// <param name="value">0 to 1.</param>
    /// <param name="set">Sets it in a copy of the options.</param>
    /// <param name="property">The property, for the message.</param>
    public void SetShare(double value, Action<RecommenderOptions> set, [CallerMemberName] string property = "") =>
        Set(value is >= 0 and <= 1, value, "0 to 1", set, property);

    /// <summary>Sets what an item loses of its score.</summary>
    /// <param name="value">Nats, 0 to a million; <see langword="null"/> where the option may be absent.</param>
    /// <param name="set">Sets it in a copy of the options.</param>
    /// <param name="property">The property, for the message.</param>
    public void SetPenalty(double? value, Action<RecommenderOptions> set, [CallerMemberName] string property = "") =>
        Set(value is null or (>= 0 and <= 1e6), value, "0 to 1,000,000", set, property);

    /// <summary>Sets what an item gains of its score.</summary>
    /// <param name="value">Nats, 0 to 20.</param>
    /// <param name="set">Sets it in a copy of the options.</param>
    /// <param name="property">The property, for the message.</param>
    public void SetBonus(double value, Action<RecommenderOptions> set, [CallerMemberName] string property = "") =>
        Set(value is >= 0 and <= 20, value, "0 to 20", set, property);

    /// <summary>Sets an amount of evidence.</summary>
    /// <param name="value">A finite number of at least 0.</param>
    /// <param name="set">Sets it in a copy of the options.</param>
    /// <param name="property">The property, for the message.</param>
    public void SetEvidence(double value, Action<RecommenderOptions> set, [CallerMemberName] string property = "") =>
        Set(value >= 0 && double.IsFinite(value), value, "a finite number of at least 0", set, property);

    /// <summary>Sets how the sources rank the items that the beams found.</summary>
    /// <param name="value">A name of the enumeration.</param>
    /// <param name="property">The property, for the message.</param>
    public void SetFusion(SourceFusion value, [CallerMemberName] string property = "") =>
        Set(Enum.IsDefined(value), (double)value, $"a {nameof(SourceFusion)}", options => options.Fusion = value, property);

    /// <summary>Sets the additional priors.</summary>
    /// <param name="value">The priors with their shares; copied.</param>
    /// <exception cref="ArgumentException">A share is outside of 0 to 1, or an evidence negative.</exception>
    public void SetShares(IReadOnlyList<PriorShare> value)
    {
        ArgumentNullException.ThrowIfNull(value);
        foreach (var share in value)
        {
            ArgumentNullException.ThrowIfNull(share.Scorer, nameof(value));
            if (share.Weight is not (>= 0 and <= 1) || !(share.Evidence >= 0))
            {
                throw new ArgumentException(
                    $"The prior '{share.Scorer.GetType().Name}' has the share {share.Weight} and the evidence {share.Evidence}; "
                    + "expected 0 to 1, and at least 0.", nameof(value));
            }
        }

        PriorShare[] all = [.. value];
        Change(settings => settings with { More = all });
    }

    private void Set(bool isValid, double? value, string expected, Action<RecommenderOptions> set, string property)
    {
        if (!isValid)
        {
            throw new ArgumentOutOfRangeException(property, value, $"{property} is {value}; expected {expected}.");
        }

        Change(settings => settings.With(set));
    }
}
