using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Scores codes and terminator by the model's own distribution, normalised over the full vocabulary.</summary>
/// <remarks>
/// <c>log p(s | x) = Σ_l log softmax(logits_l)[code_l] + Σ_t log softmax(logits_t)[terminator_t]</c>; the second sum is left out for
/// <see cref="BeamScoring.SidOnly"/>. Mass that the model gives to tokens outside the catalogue is lost to all hypotheses alike. The
/// denominator of the first code is one for all hypotheses of a query and orders none of them, so it can be computed with those of the
/// second level: the whole head is read once less.
/// </remarks>
internal sealed class FullVocabularyScoring : IBeamScoring
{
    private readonly IDecodingBackbone _model;
    private readonly SemanticIdVocabulary _vocabulary;
    private readonly bool _rootsLater;
    private Tensor? _roots;                                         // prompts whose denominators are still to be computed

    /// <param name="model">The model.</param>
    /// <param name="template">Which tokens stand for codes.</param>
    /// <param name="terminator">The tokens that must follow an item's last code and count; empty where they do not.</param>
    /// <param name="rootsLater">Whether scores of level 0 are logits, and those of level 1 make up for it. No item may end at the first
    /// level, and nothing may look at the scores between the two.</param>
    public FullVocabularyScoring(
        IDecodingBackbone model, IPromptTemplate template, IReadOnlyList<int> terminator, bool rootsLater = false) =>
        (_model, _vocabulary, Terminator, _rootsLater) = (model, template.Vocabulary, terminator, rootsLater);

    /// <inheritdoc/>
    public IReadOnlyList<int> Terminator { get; }

    /// <inheritdoc/>
    public BeamEnding EndingAt(bool hasChildren) => Terminator.Count > 0 ? BeamEnding.Terminator : BeamEnding.Free;

    /// <inheritdoc/>
    public LevelScores Score(Tensor hidden, int level, IReadOnlyList<int> queries)
    {
        var tokens = _vocabulary.TokensOf(level);
        if (_rootsLater && level == 0)
        {
            _roots = hidden;                                        // the search's, which lives as long as this
            return LevelScores.Logits(_model, hidden, tokens);
        }

        var roots = _roots;
        _roots = null;
        return roots is null ? LevelScores.LogProbabilities(_model, hidden, tokens)
            : LevelScores.LogProbabilities(_model, hidden, tokens, roots, queries);
    }

    /// <summary>Gets 0: the scores are log-probabilities already.</summary>
    public double LogNormalizer(ReadOnlySpan<float> scores, int node) => 0;
}
