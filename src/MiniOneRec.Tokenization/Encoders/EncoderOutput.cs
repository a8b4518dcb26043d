namespace MiniOneRec.Tokenization;

/// <summary>Checks of what a foreign encoder returns.</summary>
internal static class EncoderOutput
{
    /// <summary>Checks that each text has a vector.</summary>
    public static void CheckCount(int vectors, int texts)
    {
        if (vectors != texts)
        {
            throw new InvalidOperationException($"The encoder returned {vectors} vectors for {texts} texts.");
        }
    }

    /// <summary>Makes a table of vectors that the caller cannot answer for.</summary>
    /// <exception cref="InvalidOperationException">The vectors differ in width or are not finite.</exception>
    public static EmbeddingTable ToTable(IReadOnlyList<ReadOnlyMemory<float>> vectors)
    {
        try
        {
            return EmbeddingTable.FromRows(vectors);
        }
        catch (ArgumentException e)
        {
            throw new InvalidOperationException($"The encoder's vectors do not make a table: {e.Message}", e);
        }
    }
}
