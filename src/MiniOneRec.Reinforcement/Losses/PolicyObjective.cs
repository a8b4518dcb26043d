namespace MiniOneRec.Reinforcement;

/// <summary>Named policy losses; they differ in the ratio, the clipping, and in what the sum is divided by.</summary>
public enum PolicyObjective
{
    /// <summary>Clipped token ratios, mean over each sequence, then over sequences (arXiv:2402.03300, Eq. 3).</summary>
    Grpo,

    /// <summary>Clipped token ratios, sum divided by sequences times the longest response: no length bias (arXiv:2503.20783). Its advantage
    /// is not divided by the deviation.</summary>
    DrGrpo,

    /// <summary>Clipped token ratios with separate lower and upper ranges, mean over all tokens (arXiv:2503.14476, Eq. 8).</summary>
    Dapo,

    /// <summary>One clipped ratio per sequence, the geometric mean of its tokens' (arXiv:2507.18071, Eq. 5).</summary>
    Gspo,

    /// <summary>One update per batch: the ratio is 1 and only carries the gradient, nothing is clipped.</summary>
    OnPolicy,
}
