namespace MiniOneRec.Baselines;

/// <summary>A baseline that scores every item of the catalogue and recommends the best.</summary>
/// <remarks>
/// Safe for concurrent use. Equal scores are ordered by popularity in training, then by catalogue order. Items of the history may be
/// recommended again unless the request excludes them.
/// </remarks>
public abstract class ScoringRecommender : IRecommender, ISavableScorer
{
    private const int BatchSize = 256;

    private protected ScoringRecommender(string name, ItemCatalogue catalogue) => (Name, Catalogue) = (name, catalogue);

    /// <inheritdoc/>
    public string Name { get; }

    string ISavableScorer.Kind => Name;

    /// <inheritdoc/>
    public IReadOnlyList<string> Items => Catalogue.Items;

    /// <inheritdoc/>
    public virtual string? Fingerprint => null;

    /// <summary>Gets how many training interactions named items outside the catalogue and were dropped.</summary>
    public long DroppedInteractions { get; internal set; }

    /// <summary>Gets the training count of every item.</summary>
    internal IReadOnlyDictionary<string, long> Popularity =>
        field ??= Catalogue.Items.Zip(Catalogue.Counts).ToDictionary(pair => pair.First, pair => pair.Second, StringComparer.Ordinal);

    private protected ItemCatalogue Catalogue { get; }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">
    /// A request is <see langword="null"/>, its history holds <see langword="null"/>, or it asks for fewer than one item.
    /// </exception>
    public Task<IReadOnlyList<RecommendationResult>> RecommendAsync(
        IReadOnlyList<RecommendationRequest> requests, CancellationToken cancellationToken = default)
    {
        RequestValidation.CheckHistories(requests);
        for (int i = 0; i < requests.Count; i++)
        {
            if (requests[i].Count < 1)
            {
                throw new ArgumentException($"Request {i} asks for {requests[i].Count} items; expected at least 1.", nameof(requests));
            }
        }

        return Task.Run(() => Recommend(requests, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public void Score(IReadOnlyList<IReadOnlyList<string>> histories, Span<float> scores)
    {
        ArgumentNullException.ThrowIfNull(histories);
        if (scores.Length != (long)histories.Count * Catalogue.Count)
        {
            throw new ArgumentException(
                $"{histories.Count} histories over {Catalogue.Count} items need {(long)histories.Count * Catalogue.Count} scores, "
                + $"not {scores.Length}.", nameof(scores));
        }

        for (int start = 0; start < histories.Count; start += BatchSize)
        {
            int count = Math.Min(BatchSize, histories.Count - start);
            int[][] rows = [.. histories.Skip(start).Take(count).Select(history => Catalogue.RowsOf(history, out _))];
            ScoreRows(rows, scores.Slice(start * Catalogue.Count, count * Catalogue.Count));
        }
    }

    /// <inheritdoc/>
    public abstract Task SaveAsync(string folder, CancellationToken cancellationToken = default);

    /// <summary>Scores all items for each history.</summary>
    /// <param name="histories">B histories as rows, oldest first; may be empty.</param>
    /// <param name="scores">Receives <c>[B, N]</c> finite values.</param>
    private protected abstract void ScoreRows(IReadOnlyList<int[]> histories, Span<float> scores);

    /// <summary>Scores all items for each history, of which times may be known; the default does not read them.</summary>
    /// <param name="histories">B histories as rows, oldest first; may be empty.</param>
    /// <param name="scores">Receives <c>[B, N]</c> finite values.</param>
    private protected virtual void ScoreTimedRows(IReadOnlyList<ItemRows> histories, Span<float> scores) =>
        ScoreRows([.. histories.Select(history => history.Items)], scores);

    private IReadOnlyList<RecommendationResult> Recommend(IReadOnlyList<RecommendationRequest> requests,
        CancellationToken cancellationToken)
    {
        var results = new RecommendationResult[requests.Count];
        float[] scores = new float[Math.Min(BatchSize, requests.Count) * (long)Catalogue.Count];
        for (int start = 0; start < results.Length; start += BatchSize)
        {
            cancellationToken.ThrowIfCancellationRequested();
            int count = Math.Min(BatchSize, results.Length - start);
            int[] skipped = new int[count];
            ItemRows[] rows = [.. Enumerable.Range(0, count).Select(i =>
                Catalogue.RowsOf(requests[start + i].History, requests[start + i].HistoryTimestamps, out skipped[i]))];
            var batch = scores.AsSpan(0, count * Catalogue.Count);
            ScoreTimedRows(rows, batch);
            for (int i = 0; i < count; i++)
            {
                results[start + i] =
                    ItemRanking.Best(batch.Slice(i * Catalogue.Count, Catalogue.Count), Catalogue, requests[start + i], skipped[i]);
            }
        }

        return results;
    }
}
