namespace MiniOneRec.Modeling;

/// <summary>Turns the scores of an item scorer into prior masses on the catalogue's tree, one per request.</summary>
internal static class PriorFolder
{
    public static PriorMass[] Fold(IItemScorer scorer, double weight, PriorScale scale, Catalogue catalogue, IReadOnlyList<RecommendationRequest> requests)
    {
        int width = scorer.Items.Count;
        var scores = new float[checked(width * requests.Count)];
        scorer.Score([.. requests.Select(request => request.History)], scores);
        var rows = new int[width];
        for (int i = 0; i < width; i++)
        {
            rows[i] = catalogue.Index.TryGetRow(scorer.Items[i], out int row) ? row : -1;
        }

        var masses = new PriorMass[requests.Count];
        var probabilities = new float[catalogue.Index.Count];
        for (int b = 0; b < masses.Length; b++)
        {
            var own = scores.AsSpan(b * width, width);
            if (scale == PriorScale.Softmax)
            {
                float largest = float.NegativeInfinity;
                foreach (float score in own)
                {
                    largest = Math.Max(largest, score);
                }

                foreach (ref float score in own)
                {
                    score = MathF.Exp(score - largest);
                }
            }

            Array.Clear(probabilities);
            for (int i = 0; i < width; i++)
            {
                if (rows[i] >= 0)
                {
                    probabilities[rows[i]] = own[i];
                }
            }

            masses[b] = new PriorMass(catalogue.Trie, probabilities, weight);
        }

        return masses;
    }
}
