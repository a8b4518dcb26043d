namespace MiniOneRec.Pretrained;

/// <summary>A token that stands beside the merged vocabulary and is found in text as a whole.</summary>
/// <param name="Id">The token id.</param>
/// <param name="Content">The text.</param>
public sealed record AddedToken(int Id, string Content)
{
    /// <summary>Gets whether it steers the model rather than being text; decoding may leave it out.</summary>
    public bool Special { get; init; }

    /// <summary>Gets whether it is looked for after normalisation.</summary>
    public bool Normalized { get; init; }

    /// <summary>Gets whether it must stand between word boundaries.</summary>
    public bool SingleWord { get; init; }

    /// <summary>Gets whether it swallows white space on its left.</summary>
    public bool LeftStrip { get; init; }

    /// <summary>Gets whether it swallows white space on its right.</summary>
    public bool RightStrip { get; init; }
}
