namespace MiniOneRec.Tokenization;

/// <summary>Finds semantic IDs for new items among those that are not taken.</summary>
internal sealed class CatalogueGrowth
{
    private readonly SemanticIdCatalogue _catalogue;
    private readonly CatalogueState _state;
    private readonly CatalogueBatch _batch;
    private readonly SemanticId?[] _given;

    private CatalogueGrowth(SemanticIdCatalogue catalogue, CatalogueState state, CatalogueBatch batch) =>
        (_catalogue, _state, _batch, _given) = (catalogue, state, batch, new SemanticId?[batch.Ids.Count]);

    /// <summary>Adds a batch to a state: all of it but the items that the policy leaves out, or nothing.</summary>
    /// <param name="catalogue">Quantizer and options.</param>
    /// <param name="state">What the catalogue holds.</param>
    /// <param name="batch">The items; none is in the state's index.</param>
    /// <param name="done">Told of each step that is done; may throw.</param>
    /// <param name="cancellationToken">Looked at between groups.</param>
    public static (CatalogueState State, CatalogueAddition Addition) Add(
        SemanticIdCatalogue catalogue, CatalogueState state, CatalogueBatch batch, Action<int> done, CancellationToken cancellationToken) =>
        new CatalogueGrowth(catalogue, state, batch).Run(done, cancellationToken);

    private (CatalogueState State, CatalogueAddition Addition) Run(Action<int> done, CancellationToken cancellationToken)
    {
        var ids = _batch.Ids;
        string[] restored = [.. ids.Where(_state.IsRemoved)];
        int[] fresh = [.. Enumerable.Range(0, ids.Count).Where(row => !_state.IsRemoved(ids[row]))];
        int[] unknown = [.. fresh.Where(_batch.Unknown.ContainsKey)];
        if (unknown.Length > 0 && _batch.Policy == UnknownTextPolicy.Refuse)
        {
            throw new ArgumentException(
                $"Nothing is known about the text of {unknown.Length} of {ids.Count} items: "
                + $"{UnknownTexts.Name([.. unknown.Select(row => ids[row])])}. None of the batch was added. "
                + $"Give them text, leave them out, or set {nameof(GrowthOptions)}.{nameof(GrowthOptions.UnknownText)} to "
                + $"{nameof(UnknownTextPolicy.LeaveOut)} or {nameof(UnknownTextPolicy.Place)}.");
        }

        int[] rows = _batch.Policy == UnknownTextPolicy.LeaveOut ? [.. fresh.Except(unknown)] : fresh;
        foreach (int row in Enumerable.Range(0, ids.Count).Except(fresh))
        {
            _given[row] = _state.Archive[ids[row]];
        }

        if (rows.Length == 0)
        {
            var back = _state.With([], restored, _state.Statistics);
            return (back, Report(back, restored, unknown, []));
        }

        var quantizer = _catalogue.Quantizer;
        var vectors = _batch.Vectors.Select(rows);
        string[] keys = [.. rows.Select(row => ids[row])];
        var codes = quantizer is TensorQuantizer own ? own.EncodeApart(vectors) : quantizer.Encode(vectors);
        done(1);

        var displaced = Place(rows, keys, vectors, codes, cancellationToken);
        done(2);

        var statistics = _state.Statistics.With(rows.Length, quantizer.Reconstruct(vectors, codes).MeanSquaredError, displaced.Count);
        var next = _state.With(rows.Select(row => KeyValuePair.Create(ids[row], _given[row]!)), restored, statistics);
        done(3);
        return (next, Report(next, restored, unknown, displaced));
    }

    private CatalogueAddition Report(CatalogueState next, string[] restored, int[] unknown, IReadOnlyList<DisplacedItem> displaced)
    {
        int[] added = [.. Enumerable.Range(0, _given.Length).Where(row => _given[row] is not null)];
        return new CatalogueAddition([.. added.Select(row => _given[row]!)], restored, displaced,
            next.Statistics.Judge(_catalogue.DriftOptions))
        {
            Items = [.. added.Select(row => _batch.Ids[row])],
            UnknownTexts = [.. unknown.Select(row => new UnknownText(_batch.Ids[row], _batch.Unknown[row], _given[row]))],
        };
    }

    /// <summary>Gives each row a free semantic ID.</summary>
    private List<DisplacedItem> Place(int[] rows, string[] keys, EmbeddingTable vectors, CodeTable codes,
        CancellationToken cancellationToken)
    {
        var quantizer = _catalogue.Quantizer;
        var overflow = new List<int>();
        int extra = _state.Archive.LevelSizes.Count > quantizer.LevelSizes.Count ? _state.Archive.LevelSizes[^1] : 0;
        var resolution = new CollisionResolver(ForFew(_catalogue.Collisions))
            .Resolve(quantizer, vectors, codes, keys, Rivals(codes, extra), new CollisionOverflow(overflow, extra),
                cancellationToken);
        for (int i = 0; i < rows.Length; i++)
        {
            _given[rows[i]] = resolution.SemanticIds[i];
        }

        var displaced = resolution.Moved.Select(moved => (moved.Row, Item: Displaced(keys[moved.Row], moved, quantizer.LevelSizes.Count)))
            .ToList();
        if (overflow.Count > 0)
        {
            displaced.AddRange(Overflow(rows, keys, vectors, codes, extra, [.. overflow.OrderBy(row => keys[row], StringComparer.Ordinal)],
                cancellationToken));
        }

        return [.. displaced.OrderBy(item => item.Row).Select(item => item.Item)];
    }

    /// <summary>Gets the semantic IDs of the archive that rows of codes may meet: those of the same prefixes, or all where these are not
    /// quicker to find.</summary>
    private IReadOnlyCollection<SemanticId> Rivals(CodeTable codes, int extra)
    {
        var archive = _state.Archive;
        int last = codes.Depth - 1, size = _catalogue.Quantizer.LevelSizes[last];
        SemanticId[] prefixes = last == 0 ? []
            : [.. Enumerable.Range(0, codes.Count).Select(row => new SemanticId(codes[row][..last])).Distinct()];
        if (prefixes.Length == 0 || archive.Depth > codes.Depth + 1 || (double)prefixes.Length * size * (1 + extra) > archive.Count / 4)
        {
            return (IReadOnlyCollection<SemanticId>)archive.SemanticIds;
        }

        var paths = prefixes.SelectMany(prefix => Enumerable.Range(0, size).Select(code => new SemanticId([.. prefix.Codes, code])));
        return
        [
            .. paths.SelectMany(path => Enumerable.Range(0, extra).Select(number => new SemanticId([.. path.Codes, number])).Prepend(path))
                .Where(id => archive.RowsOf(id).Count > 0),
        ];
    }

    /// <summary>Finds semantic IDs for items whose prefix is full, one after the other in the order of their ids.</summary>
    private IEnumerable<(int Row, DisplacedItem Item)> Overflow(
        int[] rows, string[] keys, EmbeddingTable vectors, CodeTable codes, int extra, int[] overflow, CancellationToken cancellationToken)
    {
        var quantizer = _catalogue.Quantizer;
        int last = codes.Depth - 1;
        if (_catalogue.Growth.FullPrefix == FullPrefixPolicy.Refuse)
        {
            throw Full(overflow[0],
                $"{nameof(GrowthOptions)}.{nameof(GrowthOptions.FullPrefix)} {nameof(FullPrefixPolicy.NearestFree)} would take the "
                + "nearest free code of another prefix. ");
        }

        var waiting = overflow.ToHashSet();
        var free = new FreePaths(
            quantizer.LevelSizes, extra, _state.Archive.SemanticIds.Concat(Enumerable.Range(0, rows.Length)
            .Where(row => !waiting.Contains(row)).Select(row => _given[rows[row]]!)));
        var placed = new List<(int, DisplacedItem)>(overflow.Length);
        foreach (int row in overflow)
        {
            cancellationToken.ThrowIfCancellationRequested();
            var vector = vectors.Select([row]);
            var nearest = new SemanticId(codes[row]);
            var chosen = free.Take(quantizer, vector, codes[row])
                ?? throw Full(row,
                    $"So is every other prefix: all {free.FullCount} codes of the levels [{string.Join(", ", quantizer.LevelSizes)}] are "
                    + $"taken, {_state.Removed.Count} of them by removed items. ");
            double At(ReadOnlySpan<int> path) =>
                quantizer.Distances(vector, new CodeTable(1, codes.Depth, path.ToArray()), last)[path[last]];
            bool longer = chosen.Codes[..codes.Depth].SequenceEqual(codes[row]);
            placed.Add((row,
                new DisplacedItem(keys[row], nearest, chosen, longer ? 0 : At(codes[row]), longer ? 0 : At(chosen.Codes[..codes.Depth]))
            {
                Placement = longer ? ItemPlacement.ExtraLevel : chosen.Codes[..last].SequenceEqual(codes[row][..last])
                    ? ItemPlacement.Sibling : ItemPlacement.OtherPrefix,
            }));
            _given[rows[row]] = chosen;
        }

        return placed;

        InvalidOperationException Full(int row, string more) => new(
            $"Item '{keys[row]}' finds no free code under the prefix of its nearest codes "
            + $"{new SemanticId(codes[row])}{(extra > 0 ? $", and its group outgrows the extra level of {extra} codes" : "")}"
            + $"{(overflow.Length > 1 ? $"; nor do {overflow.Length - 1} more items of the batch" : "")}. {more}"
            + $"Free the semantic IDs of removed items ({nameof(SemanticIdCatalogue.RemoveItems)} with freeSemanticIds), "
            + "or build the catalogue again with a larger last level, "
            + $"{nameof(CollisionPolicy)}.{nameof(CollisionPolicy.ExtraLevel)} with a large enough "
            + $"{nameof(CollisionOptions.ExtraLevelSize)}, or {nameof(GrowthOptions.ReservedExtraLevel)}. "
            + $"None of the {_batch.Ids.Count} items of the batch was added.");
    }

    private static DisplacedItem Displaced(string id, MovedItem moved, int depth) =>
        new(id, moved.Nearest, moved.Chosen, moved.NearestDistance, moved.ChosenDistance)
    {
        Placement = moved.Chosen.Depth > depth ? ItemPlacement.ExtraLevel : ItemPlacement.Sibling,
    };

    /// <summary>A transport plan spreads a whole catalogue; few items go to the nearest free code.</summary>
    private static CollisionOptions ForFew(CollisionOptions options) =>
        options.Policy == CollisionPolicy.Sinkhorn ? new CollisionOptions { Policy = CollisionPolicy.NearestFreeSibling } : options;
}
