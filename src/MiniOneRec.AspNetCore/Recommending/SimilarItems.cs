using MiniOneRec.Tokenization;

namespace MiniOneRec.AspNetCore;

/// <summary>Finds the items whose semantic IDs share the most codes with an item's, from the first code on.</summary>
internal static class SimilarItems
{
    /// <summary>Ranks items.</summary>
    /// <param name="model">The model.</param>
    /// <param name="item">The item.</param>
    /// <param name="count">How many are wanted.</param>
    /// <param name="passes">The test of candidates, or null.</param>
    /// <exception cref="ServingProblem">404 for an unknown item.</exception>
    public static IReadOnlyList<(string Id, SemanticId SemanticId, int Shared, double? Distance)> Of(ServedModel model, string item,
        int count,
        Func<string, bool>? passes)
    {
        var index = model.Recommender.Index;
        if (!index.TryGetSemanticId(item, out var own))
        {
            throw ServingProblem.NotFound("The catalogue has no item of that id.");
        }

        var ranked = Enumerable.Range(0, index.Count)
            .Where(row => index.Items[row] != item && passes?.Invoke(index.Items[row]) != false)
            .Select(row => (Row: row, Shared: Shared(own, index.SemanticIds[row])))
            .OrderByDescending(pair => pair.Shared).ToList();

        // Those of the last depth that is needed compete by distance.
        int depth = ranked.Count > 0 ? ranked[Math.Min(count, ranked.Count) - 1].Shared : 0;
        var candidates = ranked.Where(pair => pair.Shared >= depth).ToArray();
        float[]? distances = Distances(model.Catalogue.Growing?.Quantizer, own,
            [.. candidates.Select(pair => index.SemanticIds[pair.Row])]);
        return
        [
            .. candidates.Select((pair, i) => (index.Items[pair.Row], index.SemanticIds[pair.Row], pair.Shared, (double?)distances?[i]))
                .OrderByDescending(pair => pair.Shared).ThenBy(pair => pair.Item4).Take(count),
        ];
    }

    private static int Shared(SemanticId left, SemanticId right)
    {
        int depth = 0;
        while (depth < left.Depth && depth < right.Depth && left[depth] == right[depth])
        {
            depth++;
        }

        return depth;
    }

    /// <summary>Squared distances of the vectors that the codes stand for; null where there is no quantizer, or codes of an extra
    /// level.</summary>
    private static float[]? Distances(IQuantizer? quantizer, SemanticId own, SemanticId[] others)
    {
        if (quantizer is null || others.Length == 0)
        {
            return null;
        }

        int levels = quantizer.LevelSizes.Count;
        if (own.Depth < levels || others.Any(other => other.Depth < levels))
        {
            return null;
        }

        SemanticId[] all = [own, .. others];
        var decoded = quantizer.Decode(new CodeTable(all.Length, levels, [.. all.SelectMany(id => id.Codes[..levels].ToArray())]));
        var distances = new float[others.Length];
        var first = decoded[0];
        for (int i = 0; i < distances.Length; i++)
        {
            var vector = decoded[i + 1];
            for (int j = 0; j < first.Length; j++)
            {
                float difference = first[j] - vector[j];
                distances[i] += difference * difference;
            }
        }

        return distances;
    }
}
