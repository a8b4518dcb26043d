namespace MiniOneRec.Tokenization;

/// <summary>Why nothing is known about an item's text.</summary>
public enum UnknownTextReason
{
    /// <summary>The item has no text.</summary>
    NoText,

    /// <summary>The encoder knows none of the text's terms: the vector is zero.</summary>
    NoKnownTerm,
}

/// <summary>An item about whose text nothing is known.</summary>
/// <param name="ItemId">The item.</param>
/// <param name="Reason">What is the matter with its text.</param>
/// <param name="SemanticId">What it got, or <see langword="null"/> where it was left out.</param>
public sealed record UnknownText(string ItemId, UnknownTextReason Reason, SemanticId? SemanticId);

/// <summary>Finds rows about whose text nothing is known.</summary>
internal static class UnknownTexts
{
    /// <summary>Finds the rows of a table whose vectors are zero, and those whose text is empty.</summary>
    /// <param name="vectors">The vectors.</param>
    /// <param name="texts">Their texts, or <see langword="null"/> where they are not at hand.</param>
    public static Dictionary<int, UnknownTextReason> Find(EmbeddingTable vectors, IReadOnlyList<string>? texts = null)
    {
        var found = new Dictionary<int, UnknownTextReason>();
        for (int row = 0; row < vectors.Count; row++)
        {
            if (texts is not null && string.IsNullOrWhiteSpace(texts[row]))
            {
                found.Add(row, UnknownTextReason.NoText);
            }
            else if (!vectors[row].ContainsAnyExcept(0f))
            {
                found.Add(row, UnknownTextReason.NoKnownTerm);
            }
        }

        return found;
    }

    /// <summary>Names the first items of a list, for messages.</summary>
    public static string Name(IReadOnlyCollection<string> ids)
    {
        const int Named = 5;
        return string.Join(", ", ids.Take(Named).Select(id => $"'{id}'")) + (ids.Count > Named ? $" and {ids.Count - Named} more" : "");
    }
}
