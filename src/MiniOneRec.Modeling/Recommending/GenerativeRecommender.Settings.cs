namespace MiniOneRec.Modeling;

/// <content>What may be changed while the recommender serves; every batch reads one version of it.</content>
public sealed partial class GenerativeRecommender
{
    /// <summary>Gets a copy of the options.</summary>
    public RecommenderOptions Options => _serving.Settings.Options.Copy();

    /// <summary>Gets or sets a scorer whose item probabilities are mixed into decoding, or <see langword="null"/> for none, at no cost;
    /// read once per batch.</summary>
    public IItemScorer? Prior
    {
        get => _serving.Settings.Current.Prior;
        set => _serving.Settings.Change(settings => settings with { Prior = value });
    }

    /// <summary>Gets or sets the prior's share w, 0 to 1; read once per batch.</summary>
    public double PriorWeight
    {
        get => _serving.Settings.Options.PriorWeight;
        set => _serving.Settings.SetShare(value, options => options.PriorWeight = value);
    }

    /// <summary>Gets or sets e, the sum of a history's scores at which the prior has half of its share; 0 or more, read once per
    /// batch.</summary>
    public double PriorEvidence
    {
        get => _serving.Settings.Options.PriorEvidence;
        set => _serving.Settings.SetEvidence(value, options => options.PriorEvidence = value);
    }

    /// <summary>Gets or sets the scorers that are mixed into decoding beside <see cref="Prior"/>, each with its share; read once per
    /// batch.</summary>
    /// <remarks>
    /// Decoding follows the exact mixture at every prefix: codes, dense head (<see cref="DenseWeight"/>), <see cref="Prior"/> and these.
    /// The codes have what the shares leave of 1; requests fail with an <see cref="InvalidOperationException"/> where the shares are more
    /// than 1 together.
    /// </remarks>
    /// <exception cref="ArgumentException">A share is outside of 0 to 1, or an evidence negative.</exception>
    public IReadOnlyList<PriorShare> AdditionalPriors
    {
        get => _serving.Settings.Current.More;
        set => _serving.Settings.SetShares(value);
    }

    /// <summary>Gets or sets the share of the model's dense head, 0 to 1; of no effect on a model without; read once per batch.</summary>
    public double DenseWeight
    {
        get => _serving.Settings.Options.DenseWeight;
        set => _serving.Settings.SetShare(value, options => options.DenseWeight = value);
    }

    /// <summary>Gets or sets what an item of the history loses of its score, in nats; 0 to a million, read once per batch.</summary>
    public double HistoryPenalty
    {
        get => _serving.Settings.Options.HistoryPenalty;
        set => _serving.Settings.SetPenalty(value, options => options.HistoryPenalty = value);
    }

    /// <summary>Gets or sets how the probabilities of codes, dense head and priors rank the items that the beams found; read once per
    /// batch.</summary>
    public SourceFusion Fusion
    {
        get => _serving.Settings.Options.Fusion;
        set => _serving.Settings.SetFusion(value);
    }

    /// <summary>Gets or sets what the history's last item loses of its score, in nats; <see langword="null"/> for as much as
    /// <see cref="HistoryPenalty"/>; read once per batch.</summary>
    public double? LastItemPenalty
    {
        get => _serving.Settings.Options.LastItemPenalty;
        set => _serving.Settings.SetPenalty(value, options => options.LastItemPenalty = value);
    }

    /// <summary>Gets or sets what a new item, one that training does not hold, gains of its score, in nats; 0 to 20, read once per
    /// batch.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The value is outside of 0 to 20.</exception>
    public double NewItemBonus
    {
        get => _serving.Settings.Options.NewItemBonus;
        set => _serving.Settings.SetBonus(value, options => options.NewItemBonus = value);
    }

    /// <summary>Gets what a batch reads once: options, prior and further shares.</summary>
    internal ServingSettings Settings => _serving.Settings.Current;

    /// <summary>Forgets what is kept of a user's last prompt.</summary>
    internal void Forget(string user) => _serving.Reuse.Forget(user);

    /// <summary>Gets how many bytes are kept of users' last prompts.</summary>
    internal long PromptBytes => _serving.Reuse.Bytes;

    /// <summary>Counts work on the calling thread that reads the model, so that disposal waits for it.</summary>
    internal IDisposable EnterDirect() => _serving.Direct();
}
