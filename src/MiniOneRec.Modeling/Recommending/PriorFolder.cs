namespace MiniOneRec.Modeling;

/// <summary>Turns the scores of an item scorer into probabilities of the catalogue's items, one set per request.</summary>
internal static class PriorFolder
{
    /// <summary>Adds what a scorer says to the mixture of each request.</summary>
    /// <param name="share">Scores items; the share, how scores become probabilities, and how much evidence earns the share.</param>
    /// <param name="catalogue">The catalogue.</param>
    /// <param name="requests">The requests.</param>
    /// <param name="mixtures">One for each request.</param>
    public static void Add(PriorShare share, Catalogue catalogue, IReadOnlyList<RecommendationRequest> requests,
        IReadOnlyList<PriorMixture> mixtures)
    {
        var scorer = share.Scorer;
        int width = scorer.Items.Count;
        var scores = new float[checked(width * requests.Count)];
        scorer.Score([.. requests.Select(request => request.History)], scores);
        var rows = new int[width];
        for (int i = 0; i < width; i++)
        {
            rows[i] = catalogue.Index.TryGetRow(scorer.Items[i], out int row) ? row : -1;
        }

        for (int b = 0; b < mixtures.Count; b++)
        {
            var probabilities = new float[catalogue.Index.Count];
            var own = scores.AsSpan(b * width, width);
            if (share.Scale == PriorScale.Softmax)
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

            double sum = 0;
            for (int i = 0; i < width; i++)
            {
                if (rows[i] >= 0)
                {
                    probabilities[rows[i]] = own[i];
                    sum += own[i];
                }
            }

            double earned = share.Scale == PriorScale.Proportional && sum > 0 ? sum / (sum + share.Evidence) : 1;
            mixtures[b].Add(probabilities, share.Weight * earned);
        }
    }
}
