namespace MiniOneRec.Tokenization;

/// <summary>What every quantizer asks of its levels.</summary>
internal static class LevelRules
{
    public const int MaxCodes = 1 << 20;

    public static IEnumerable<string> Check(string name, IReadOnlyList<int>? sizes)
    {
        if (sizes is null || sizes.Count is 0 or > SemanticId.MaxDepth)
        {
            yield return $"{name} must name 1 to {SemanticId.MaxDepth} levels, not {sizes?.Count ?? 0}.";
        }
        else if (sizes.Any(size => size is < 1 or > MaxCodes))
        {
            yield return $"{name} [{string.Join(", ", sizes)}] must lie between 1 and {MaxCodes} codes.";
        }
    }

    /// <summary>Checks that a catalogue can be clustered into the levels.</summary>
    public static void CheckFit(EmbeddingTable embeddings, IReadOnlyList<int> sizes)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        if (sizes.Max() is var largest && embeddings.Count < largest)
        {
            throw new ArgumentException(
                $"{embeddings.Count} vectors cannot fill a level of {largest} codes; "
                + $"give more items or smaller codebook sizes than [{string.Join(", ", sizes)}].", nameof(embeddings));
        }

        if (largest > 1 && embeddings.Values.Span.Length > embeddings.Width && AllEqual(embeddings))
        {
            throw new ArgumentException(
                $"All {embeddings.Count} vectors are equal; there is nothing to quantize. Check the encoder and its texts.",
                nameof(embeddings));
        }
    }

    /// <summary>Checks that vectors have the width that the quantizer was fitted to.</summary>
    public static void CheckWidth(EmbeddingTable embeddings, int width)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        if (embeddings.Width != width)
        {
            throw new ArgumentException($"The vectors have width {embeddings.Width}; the quantizer was fitted to width {width}.",
                nameof(embeddings));
        }
    }

    private static bool AllEqual(EmbeddingTable embeddings)
    {
        for (int row = 1; row < embeddings.Count; row++)
        {
            if (!embeddings[row].SequenceEqual(embeddings[0]))
            {
                return false;
            }
        }

        return true;
    }
}
