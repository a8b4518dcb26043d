namespace MiniOneRec.Modeling;

/// <summary>How the probabilities that codes, dense head and priors give an item become the score that ranks it.</summary>
public enum SourceFusion
{
    /// <summary>Their weighted mean <c>log Σ w_k·p_k</c>: an item needs one source that favours it.</summary>
    Linear,

    /// <summary>Their weighted geometric mean <c>Σ w_k·log(p_k + ε)</c>, ε being a thousandth of 1/N: an item needs all sources. Beams
    /// still follow the linear mean, so that an item which one source favours is looked at.</summary>
    Geometric,
}
