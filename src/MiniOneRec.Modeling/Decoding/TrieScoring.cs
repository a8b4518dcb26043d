using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Scores codes by the model's distribution, renormalised over what may follow each prefix in the catalogue.</summary>
/// <remarks>
/// <c>log p(s | x) = Σ_l (logit_l[code_l] − log Σ_{c follows the prefix} exp logit_l[c])</c>. Where items end at a node that has children,
/// ending is one of the choices there, scored by the terminator's first token; where it is the only choice it is certain and costs nothing.
/// </remarks>
internal sealed class TrieScoring : IBeamScoring
{
    private readonly IDecodingBackbone _model;
    private readonly SemanticIdTrie _trie;
    private readonly SemanticIdVocabulary _vocabulary;
    private readonly int? _end;

    /// <param name="model">The model.</param>
    /// <param name="trie">The catalogue.</param>
    /// <param name="template">Which tokens stand for codes, and what follows the last code.</param>
    public TrieScoring(IDecodingBackbone model, SemanticIdTrie trie, IPromptTemplate template)
    {
        (_model, _trie, _vocabulary) = (model, trie, template.Vocabulary);
        _end = template.Terminator.Count > 0 ? template.Terminator[0] : null;
    }

    /// <summary>Gets nothing: ending is scored with the children of a node.</summary>
    public IReadOnlyList<int> Terminator => [];

    /// <inheritdoc/>
    public BeamEnding EndingAt(bool hasChildren) => _end is not null && hasChildren ? BeamEnding.Choice : BeamEnding.Free;

    /// <inheritdoc/>
    public LevelScores Score(Tensor hidden, int level, IReadOnlyList<int> queries) =>
        LevelScores.Logits(_model, hidden, _end is { } end ? [.. _vocabulary.TokensOf(level), end] : _vocabulary.TokensOf(level));

    /// <summary>Computes log Σ exp over the node's children, and over ending where items end at the node.</summary>
    public double LogNormalizer(ReadOnlySpan<float> scores, int node)
    {
        var (first, last) = _trie.Children(node);
        var codes = _trie.Codes[first..last];
        bool ends = _end is not null && _trie.IsTerminal(node);
        double largest = ends ? scores[^1] : double.NegativeInfinity;
        foreach (ushort code in codes)
        {
            largest = Math.Max(largest, scores[code]);
        }

        double sum = ends ? Math.Exp(scores[^1] - largest) : 0;
        foreach (ushort code in codes)
        {
            sum += Math.Exp(scores[code] - largest);
        }

        return largest + Math.Log(sum);
    }
}
