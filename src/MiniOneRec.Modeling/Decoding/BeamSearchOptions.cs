using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Names the ways to score a semantic ID.</summary>
public enum BeamScoring
{
    /// <summary>Full-vocabulary log-probabilities of all codes and of the terminator that follows them.</summary>
    Exact,

    /// <summary>Full-vocabulary log-probabilities of the codes alone.</summary>
    SidOnly,

    /// <summary>Log-probabilities renormalised over the children of each node in the trie; the head runs on the level's tokens
    /// alone.</summary>
    TrieRenormalised,
}

/// <summary>Configures <see cref="ConstrainedBeamSearch"/>. Nothing is merged in from elsewhere.</summary>
public sealed class BeamSearchOptions
{
    /// <summary>Gets or sets W, the number of prefixes kept per level.</summary>
    /// <value>The default is 50.</value>
    [Range(1, 1 << 16)]
    public int Width { get; set; } = 50;

    /// <summary>Gets or sets what a score counts.</summary>
    /// <value>The default is <see cref="BeamScoring.Exact"/>.</value>
    [EnumDataType(typeof(BeamScoring))]
    public BeamScoring Scoring { get; set; } = BeamScoring.Exact;

    /// <summary>
    /// Gets or sets γ: when beams are selected, the k-th best child of one prefix counts <c>k·γ</c> nats less (k from 0), so that beams
    /// spread over prefixes. Scores and the final order are not touched. Li, Monroe and Jurafsky (arXiv:1611.08562), Eq. 6.
    /// </summary>
    /// <value>The default is 0, plain beam search.</value>
    [Range(0.0, 1e6)]
    public double SiblingPenalty { get; set; }
}

[OptionsValidator]
internal sealed partial class BeamSearchOptionsValidator : IValidateOptions<BeamSearchOptions>;
