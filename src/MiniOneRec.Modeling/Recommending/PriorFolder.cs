namespace MiniOneRec.Modeling;

/// <summary>Turns the scores of an item scorer into prior masses on the catalogue's tree, one per request.</summary>
internal static class PriorFolder
{
    /// <param name="scorer">Scores items.</param>
    /// <param name="options">The share of the prior, how scores become probabilities, and how much evidence earns the share.</param>
    /// <param name="catalogue">The catalogue.</param>
    /// <param name="requests">The requests.</param>
    public static PriorMass[] Fold(IItemScorer scorer, RecommenderOptions options, Catalogue catalogue, IReadOnlyList<RecommendationRequest> requests)
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
            if (options.PriorScale == PriorScale.Softmax)
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
            double sum = 0;
            for (int i = 0; i < width; i++)
            {
                if (rows[i] >= 0)
                {
                    probabilities[rows[i]] = own[i];
                    sum += own[i];
                }
            }

            double earned = options.PriorScale == PriorScale.Proportional && sum > 0 ? sum / (sum + options.PriorEvidence) : 1;
            masses[b] = new PriorMass(catalogue.Trie, probabilities, options.PriorWeight * earned);
        }

        return masses;
    }
}
