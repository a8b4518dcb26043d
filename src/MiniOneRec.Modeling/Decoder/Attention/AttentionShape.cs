namespace MiniOneRec.Modeling;

/// <summary>The figures of one attention layer.</summary>
/// <param name="Heads">H, the number of query heads.</param>
/// <param name="KeyValueHeads">Hkv, the number of key/value heads; divides H.</param>
/// <param name="Width">Dh, the width of a head.</param>
/// <param name="Window">How many positions a token sees at most, its own among them; 0 means all.</param>
internal sealed record AttentionShape(long Heads, long KeyValueHeads, long Width, int Window)
{
    /// <summary>Gets G, the number of query heads that share a key/value head. GQA: arXiv:2305.13245.</summary>
    public long Group => Heads / KeyValueHeads;

    /// <summary>Gets the factor of the scores, <c>1 / √Dh</c>.</summary>
    public double Scale { get; } = 1 / Math.Sqrt(Width);
}
