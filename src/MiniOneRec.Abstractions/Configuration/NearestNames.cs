namespace MiniOneRec;

/// <summary>Finds the names that a mistyped one may have meant.</summary>
internal static class NearestNames
{
    private const int Count = 3;

    /// <summary>Gets the nearest names: those that differ in few letters, or else the three nearest.</summary>
    /// <param name="given">The mistyped name.</param>
    /// <param name="known">The known names; of a path, its last part is compared.</param>
    public static IEnumerable<string> Of(string given, IReadOnlyCollection<string> known)
    {
        var ranked = known
            .Select(name => (Name: name, Distance: DistanceOf(given, name[(name.LastIndexOf(':') + 1)..])))
            .OrderBy(pair => pair.Distance).ThenBy(pair => pair.Name.Length).ThenBy(pair => pair.Name, StringComparer.Ordinal).ToArray();
        int close = Math.Max(1, given.Length / 3);
        return ranked.Where(pair => pair.Distance <= close).Take(Count).DefaultIfEmpty().Select(pair => pair.Name) is var near
            && near.First() is null
            ? ranked.Take(Count).Select(pair => pair.Name)
            : near;
    }

    /// <summary>Computes the Levenshtein distance without regard to case.</summary>
    internal static int DistanceOf(string left, string right)
    {
        int[] row = [.. Enumerable.Range(0, right.Length + 1)];
        for (int i = 1; i <= left.Length; i++)
        {
            int diagonal = row[0];
            row[0] = i;
            for (int j = 1; j <= right.Length; j++)
            {
                int above = row[j];
                bool same = char.ToUpperInvariant(left[i - 1]) == char.ToUpperInvariant(right[j - 1]);
                row[j] = Math.Min(Math.Min(above + 1, row[j - 1] + 1), diagonal + (same ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
