namespace AmazonReviews;

/// <summary>What the command line said.</summary>
internal sealed record Settings
{
    /// <summary>The folder of the reference layout, with <see cref="Dataset"/>; or <see cref="Interactions"/>.</summary>
    public string? Data { get; init; }

    public string? Dataset { get; init; }

    public string? Interactions { get; init; }

    public string? Index { get; init; }

    public string? Items { get; init; }

    public required string Split { get; init; }

    public required string Preset { get; init; }

    public required int Seed { get; init; }

    public required string Device { get; init; }

    public bool SkipRl { get; init; }

    /// <summary>The names of the baselines that are run and reported.</summary>
    public required IReadOnlyCollection<string> Baselines { get; init; }

    /// <summary>The baselines that there are.</summary>
    public static string[] AllBaselines => ["popularity", "sequential-rules", "item-knn", "sasrec"];

    public required string Output { get; init; }

    public required string Report { get; init; }

    /// <summary>Tokenize the items' text even where the data bring semantic IDs.</summary>
    public bool Retokenize { get; init; }

    /// <summary>Artifacts to start from: text vectors, a trained quantizer, a model after SFT.</summary>
    public string? Embeddings { get; init; }

    public string? Quantizer { get; init; }

    public string? SftModel { get; init; }

    public string? GrpoModel { get; init; }

    /// <summary>At most this many test rows, drawn by the seed; all where absent.</summary>
    public int? MaxTestRows { get; init; }
}
