namespace MiniOneRec.Tokenization;

/// <summary>Finds semantic IDs for new items among those that are not taken.</summary>
internal static class CatalogueGrowth
{
    private const string Stage = "add";

    public static (CatalogueState State, CatalogueAddition Addition) Add(
        SemanticIdCatalogue catalogue,
        CatalogueState state,
        IReadOnlyList<string> ids,
        EmbeddingTable embeddings,
        IProgress<TrainingProgress>? progress,
        CancellationToken cancellationToken)
    {
        string[] restored = [.. ids.Where(state.IsRemoved)];
        int[] rows = [.. Enumerable.Range(0, ids.Count).Where(row => !state.IsRemoved(ids[row]))];
        var given = new SemanticId[ids.Count];
        for (int row = 0; row < given.Length; row++)
        {
            given[row] = state.IsRemoved(ids[row]) ? state.Archive[ids[row]] : null!;
        }

        if (rows.Length == 0)
        {
            var back = state.With([], restored, state.Statistics);
            return (back, new CatalogueAddition(given, restored, [], back.Statistics.Judge(catalogue.DriftOptions)));
        }

        void Done(int step)
        {
            progress?.Report(new TrainingProgress(Stage, step, 3));
            cancellationToken.ThrowIfCancellationRequested();
        }

        var vectors = embeddings.Select(rows);
        string[] keys = [.. rows.Select(row => ids[row])];
        var quantizer = catalogue.Quantizer;
        var codes = quantizer is TensorQuantizer own ? own.EncodeApart(vectors) : quantizer.Encode(vectors);
        Done(1);

        var resolution = new CollisionResolver(ForFew(catalogue.Collisions)).Resolve(quantizer, vectors, codes, keys, state.Archive.SemanticIds, cancellationToken);
        CheckDepth(resolution.SemanticIds, state.Archive.LevelSizes);
        Done(2);

        var statistics = state.Statistics.With(rows.Length, quantizer.Reconstruct(vectors, codes).MeanSquaredError, resolution.Moved.Count);
        for (int i = 0; i < rows.Length; i++)
        {
            given[rows[i]] = resolution.SemanticIds[i];
        }

        var next = state.With(keys.Select((id, i) => KeyValuePair.Create(id, resolution.SemanticIds[i])), restored, statistics);
        DisplacedItem[] displaced = [.. resolution.Moved.Select(moved => new DisplacedItem(keys[moved.Row], moved.Nearest, moved.Chosen, moved.NearestDistance, moved.ChosenDistance))];
        Done(3);
        return (next, new CatalogueAddition(given, restored, displaced, statistics.Judge(catalogue.DriftOptions)));
    }

    /// <summary>A transport plan spreads a whole catalogue; few items go to the nearest free code.</summary>
    private static CollisionOptions ForFew(CollisionOptions options) =>
        options.Policy == CollisionPolicy.Sinkhorn ? new CollisionOptions { Policy = CollisionPolicy.NearestFreeSibling } : options;

    /// <summary>Level sizes are frozen: a model has a token for every code, and no more.</summary>
    private static void CheckDepth(IReadOnlyList<SemanticId> chosen, IReadOnlyList<int> levelSizes)
    {
        foreach (var id in chosen)
        {
            if (id.Depth > levelSizes.Count || id[id.Depth - 1] >= levelSizes[id.Depth - 1])
            {
                throw new InvalidOperationException(
                    $"The group of {new SemanticId(id.Codes[..^1])} outgrows the extra level of {levelSizes[^1]} codes. "
                    + $"Build the catalogue again with a larger {nameof(CollisionOptions)}.{nameof(CollisionOptions.ExtraLevelSize)}.");
            }
        }
    }
}
