namespace MiniOneRec.Tokenization;

/// <summary>Specifies what happens to items whose codes are equal.</summary>
public enum CollisionPolicy
{
    /// <summary>They move to the nearest free codes of the last level: per prefix the assignment of least total distance.</summary>
    NearestFreeSibling,

    /// <summary>They move to free codes of the last level by a transport plan over the whole level, which spreads them more
    /// evenly.</summary>
    Sinkhorn,

    /// <summary>They get one more code, the others do not: semantic IDs of two depths.</summary>
    ExtraLevel,

    /// <summary>They keep one semantic ID together.</summary>
    Keep,
}
