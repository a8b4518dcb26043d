namespace MiniOneRec.Baselines;

/// <summary>Specifies how a mixture combines the probabilities of its parts.</summary>
public enum MixtureForm
{
    /// <summary>The weighted mean <c>Σ w_k p_k(j)</c>: an item needs one part that favours it.</summary>
    Linear,

    /// <summary>The weighted geometric mean <c>Π p_k(j)^w_k</c>: an item needs all parts; p_k is kept above a thousandth of 1/N.</summary>
    Geometric,
}

/// <summary>Specifies how scores become probabilities.</summary>
public enum MixtureScale
{
    /// <summary>Divided by their sum; negative scores count 0.</summary>
    Proportional,

    /// <summary>A softmax over the catalogue, for scores that are logits.</summary>
    Softmax,
}

/// <summary>A scorer in a mixture.</summary>
/// <param name="Scorer">The scorer; all parts of a mixture score the same items, in any order.</param>
/// <param name="Weight">w_k, at least 0; the weights of a mixture are divided by their sum.</param>
/// <param name="Scale">How its scores become probabilities.</param>
public sealed record MixturePart(IItemScorer Scorer, double Weight = 1, MixtureScale Scale = MixtureScale.Proportional);
