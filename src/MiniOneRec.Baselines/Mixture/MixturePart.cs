using MiniOneRec.Modeling;

namespace MiniOneRec.Baselines;

/// <summary>How a mixture combines the probabilities of its parts.</summary>
public enum MixtureForm
{
    /// <summary>The weighted mean <c>Σ w_k p_k(j)</c>: an item needs one part that favours it.</summary>
    Linear,

    /// <summary>The weighted geometric mean <c>Π p_k(j)^w_k</c>: an item needs all parts; p_k is kept above a thousandth of 1/N.</summary>
    Geometric,
}

/// <summary>A scorer in a mixture.</summary>
/// <param name="Scorer">The scorer; all parts of a mixture score the same items, in any order.</param>
/// <param name="Weight">w_k, at least 0; the weights of a mixture are divided by their sum.</param>
/// <param name="Scale">How scores become probabilities: divided by their sum, negative ones as 0; or by a softmax, for logits.</param>
public sealed record MixturePart(IItemScorer Scorer, double Weight = 1, PriorScale Scale = PriorScale.Proportional);
