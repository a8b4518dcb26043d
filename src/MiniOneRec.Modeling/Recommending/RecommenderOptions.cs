using System.ComponentModel.DataAnnotations;
using System.Text.Json.Serialization;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Names the ways to turn the scores of an item scorer into probabilities.</summary>
public enum PriorScale
{
    /// <summary>Divided by their sum; scores must be at least 0.</summary>
    Proportional,

    /// <summary>Softmax over the catalogue.</summary>
    Softmax,
}

/// <summary>Configures <see cref="GenerativeRecommender"/>.</summary>
public sealed class RecommenderOptions
{
    /// <summary>Gets or sets W, the beams per request; a request for more items than this gets as many beams as items.</summary>
    /// <value>The default is 50.</value>
    [Range(1, 1 << 16)]
    public int BeamWidth { get; set; } = 50;

    /// <summary>Gets or sets what a score counts.</summary>
    /// <value>The default is <see cref="BeamScoring.Exact"/>.</value>
    [EnumDataType(typeof(BeamScoring))]
    public BeamScoring Scoring { get; set; } = BeamScoring.Exact;

    /// <summary>Gets or sets how many of a history's most recent known items enter the prompt.</summary>
    /// <value>The default is 20.</value>
    [Range(1, 1 << 16)]
    public int MaxHistoryItems { get; set; } = 20;

    /// <summary>Gets or sets the most items that one request may ask for.</summary>
    /// <remarks>
    /// The cost of a request grows with its count, so an application that passes on what its users ask for sets what it can afford. A
    /// request for more, or for more than the whole catalogue, fails with an <see cref="ArgumentException"/>. Up to
    /// <see cref="BeamWidth"/>, and up to the default of <see cref="RecommendationRequest.Count"/>, a small catalogue does not count: the
    /// answer then has a shortfall.
    /// </remarks>
    /// <value>The default is 10,000.</value>
    [Range(1, 1 << 16)]
    public int MaxCount { get; set; } = 10_000;

    /// <summary>Gets or sets whether the items of a history are left out of its answer; a request may say otherwise.</summary>
    /// <remarks>
    /// <para>Three choices for items that a user had before:</para>
    /// <para><see cref="ExcludeHistory"/>: for catalogues in which users do not come back to an item (books, films, durable goods). What
    /// was just bought is never recommended.</para>
    /// <para><see cref="HistoryPenalty"/>: for catalogues in which users come back to some items, less often than the training data
    /// suggest. The penalty is chosen on validation rows.</para>
    /// <para>Neither: for catalogues in which users come back as they did in training (food, news sites, music). The model then decides,
    /// and may rank the last item first.</para>
    /// <para>Evaluation on public data sets usually sets neither, because their targets may repeat.</para>
    /// </remarks>
    /// <value>The default is <see langword="false"/>.</value>
    public bool ExcludeHistory { get; set; }

    /// <summary>Gets or sets what an item of the history loses of its score, in nats: for catalogues in which users come back less often
    /// than they did in training.</summary>
    /// <remarks>
    /// Beams are found without it and ranked with it, at no cost. Choose it on validation rows that are later than the training's; the
    /// sample <c>AmazonReviews</c> does. It has no effect on items that <see cref="ExcludeHistory"/> leaves out.
    /// </remarks>
    /// <value>The default is 0.</value>
    [Range(0.0, 1e6)]
    public double HistoryPenalty { get; set; }

    /// <summary>Gets or sets what the history's last item loses, in nats, where that is to differ from
    /// <see cref="HistoryPenalty"/>.</summary>
    /// <value>The default is <see langword="null"/>: the same as earlier items.</value>
    [Range(0.0, 1e6)]
    public double? LastItemPenalty { get; set; }

    /// <summary>Gets or sets what a new item, one that training does not hold, gains of its score, in nats: such items are never targets,
    /// so that every source ranks them too low.</summary>
    /// <remarks>New are the items that the catalogue's popularity does not hold; without any popularity no item is. Beams follow dense head
    /// and priors with the gain. <see cref="PriorTuner"/> chooses it on validation rows.</remarks>
    /// <value>The default is 0.</value>
    [Range(0.0, 20.0)]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public double NewItemBonus { get; set; }

    /// <summary>Gets or sets the share of the model's dense head in decoding; of no effect on a model without
    /// (<see cref="ContentModule"/>).</summary>
    /// <remarks>The head's item probabilities are mixed in as a prior's are. All shares together are at most 1; the codes have the
    /// rest.</remarks>
    /// <value>The default is 0.5.</value>
    [Range(0.0, 1.0)]
    public double DenseWeight { get; set; } = 0.5;

    /// <summary>Gets or sets how the probabilities of codes, dense head and priors rank the items that the beams found.</summary>
    /// <value>The default is <see cref="SourceFusion.Linear"/>.</value>
    [EnumDataType(typeof(SourceFusion))]
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingDefault)]
    public SourceFusion Fusion { get; set; }

    /// <summary>Gets or sets how many requests are searched in one batch.</summary>
    /// <value>The default is 32.</value>
    [Range(1, 1 << 16)]
    public int BatchSize { get; set; } = 32;

    /// <summary>Gets or sets how long, in milliseconds, a batch that is not full waits at most for concurrent callers, counted from when
    /// its first request could run.</summary>
    /// <remarks>The batch begins earlier once no caller came for a tenth of that time, at least a millisecond. 0 never waits.</remarks>
    /// <value>The default is 10.</value>
    [Range(0, 60_000)]
    public int MaxWaitMilliseconds { get; set; } = 10;

    /// <summary>Gets or sets how many requests may wait; <see cref="QueueFullMode"/> says what happens to more.</summary>
    /// <value>The default is 1,024.</value>
    [Range(1, 1 << 24)]
    public int QueueCapacity { get; set; } = 1_024;

    /// <summary>Gets or sets what happens to requests for which the queue has no room.</summary>
    /// <value>The default is <see cref="QueueFullMode.Wait"/>.</value>
    [EnumDataType(typeof(QueueFullMode))]
    public QueueFullMode QueueFullMode { get; set; } = QueueFullMode.Wait;

    /// <summary>Gets or sets after how many milliseconds a request that has no answer fails with a <see cref="TimeoutException"/>; 0 for
    /// never.</summary>
    /// <remarks><see cref="RecommendationRequest.Deadline"/> counts as well where it is earlier. A request that is late before its batch
    /// begins is not computed.</remarks>
    /// <value>The default is 0.</value>
    [Range(0, int.MaxValue)]
    public int TimeoutMilliseconds { get; set; }

    /// <summary>Gets or sets what <see cref="GenerativeRecommender.Dispose"/> does with requests that have no answer yet.</summary>
    /// <value>The default is <see cref="PendingRequests.Cancel"/>.</value>
    [EnumDataType(typeof(PendingRequests))]
    public PendingRequests PendingOnDispose { get; set; } = PendingRequests.Cancel;

    /// <summary>Gets or sets w, the share of the prior in decoding, where a prior is set.</summary>
    /// <value>The default is 0.3.</value>
    [Range(0.0, 1.0)]
    public double PriorWeight { get; set; } = 0.3;

    /// <summary>Gets or sets how the prior's scores become probabilities.</summary>
    /// <value>The default is <see cref="PriorScale.Proportional"/>.</value>
    [EnumDataType(typeof(PriorScale))]
    public PriorScale PriorScale { get; set; } = PriorScale.Proportional;

    /// <summary>Gets or sets e, the sum of a history's scores at which the prior has half of its share: <c>w · Σ / (Σ + e)</c>. 0 gives it
    /// the whole share however little it knows. <see cref="MiniOneRec.Modeling.PriorScale.Proportional"/> only.</summary>
    /// <value>The default is 0.</value>
    [Range(0.0, double.MaxValue)]
    public double PriorEvidence { get; set; }

    /// <summary>
    /// Gets or sets whether a second copy of the weights is kept in the layout in which the processor multiplies fastest: about twice the
    /// memory for weights, and faster searches. Only on the CPU of x64 Linux.
    /// </summary>
    /// <value>The default is <see langword="true"/>.</value>
    public bool PackWeights { get; set; } = true;

    /// <summary>Gets or sets the form in which the weights of the layers are kept.</summary>
    /// <remarks>
    /// <see cref="ServingWeights.Int8"/> and <see cref="ServingWeights.Int4"/> need the CPU of x64 Linux. A recommender that is loaded
    /// with one of them keeps nothing else of the layers, so that it can be neither trained nor saved; one that is made of a model keeps
    /// them as its packed copies. Embedding and head keep their type: the scores of codes are computed with it, and the sum over the
    /// vocabulary with the smaller form. A folder may hold them so (<see cref="RecommenderSaveOptions.Weights"/>).
    /// <see cref="ServingWeights.Float32"/> and <see cref="ServingWeights.BFloat16"/> change a model that
    /// is loaded; one that is made of a model of another type is refused.
    /// </remarks>
    /// <value>The default is <see cref="ServingWeights.AsStored"/>.</value>
    [EnumDataType(typeof(ServingWeights))]
    public ServingWeights Weights { get; set; } = ServingWeights.AsStored;

    /// <summary>
    /// Gets or sets how many megabytes of keys and values are kept of users' last prompts; 0 keeps none. A request of a user
    /// (<see cref="RecommendationRequest.UserId"/>) whose prompt begins as the user's last one then runs its new tokens alone.
    /// </summary>
    /// <remarks>
    /// It helps where histories grow at their end and are not cut: prompts that list the oldest item first, of users with fewer than
    /// <see cref="MaxHistoryItems"/> items. Scores may differ in their last bits. Models with a dense head run whole prompts.
    /// </remarks>
    /// <value>The default is 0.</value>
    [Range(0, 1 << 20)]
    public int PromptCacheMegabytes { get; set; }

    /// <summary>Copies and checks options, or makes the default ones of a model.</summary>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    internal static RecommenderOptions Checked(RecommenderOptions? options, SemanticIdModel model) => options is null
        ? new RecommenderOptions { MaxHistoryItems = model.MaxHistoryItems }
        : OptionsValidation.Validated(options, new RecommenderOptionsValidator()).Copy();

    internal RecommenderOptions Copy() => (RecommenderOptions)MemberwiseClone();
}

[OptionsValidator]
internal sealed partial class RecommenderOptionsValidator : IValidateOptions<RecommenderOptions>;
