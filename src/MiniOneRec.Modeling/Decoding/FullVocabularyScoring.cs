using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Scores codes and terminator by the model's own distribution, normalised over the full vocabulary.</summary>
/// <remarks>
/// <c>log p(s | x) = Σ_l log softmax(logits_l)[code_l] + Σ_t log softmax(logits_t)[terminator_t]</c>; the second sum is left out for
/// <see cref="BeamScoring.SidOnly"/>. Mass that the model gives to tokens outside the catalogue is lost to all hypotheses alike.
/// </remarks>
internal sealed class FullVocabularyScoring : IBeamScoring
{
    private readonly IDecodingBackbone _model;
    private readonly SemanticIdVocabulary _vocabulary;

    /// <param name="model">The model.</param>
    /// <param name="template">Which tokens stand for codes.</param>
    /// <param name="terminator">The tokens that must follow an item's last code and count; empty where they do not.</param>
    public FullVocabularyScoring(IDecodingBackbone model, IPromptTemplate template, IReadOnlyList<int> terminator) =>
        (_model, _vocabulary, Terminator) = (model, template.Vocabulary, terminator);

    /// <inheritdoc/>
    public IReadOnlyList<int> Terminator { get; }

    /// <inheritdoc/>
    public BeamEnding EndingAt(bool hasChildren) => Terminator.Count > 0 ? BeamEnding.Terminator : BeamEnding.Free;

    /// <inheritdoc/>
    public LevelScores Score(Tensor hidden, int level) => LevelScores.LogProbabilities(_model, hidden, _vocabulary.TokensOf(level));

    /// <summary>Gets 0: the scores are log-probabilities already.</summary>
    public double LogNormalizer(ReadOnlySpan<float> scores, int node) => 0;
}
