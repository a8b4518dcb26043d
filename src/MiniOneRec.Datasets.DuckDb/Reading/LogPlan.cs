namespace MiniOneRec.Datasets.DuckDb;

/// <summary>One relation of a log with the part that it belongs to.</summary>
/// <param name="Relation">What stands after FROM.</param>
/// <param name="Columns">Its columns.</param>
/// <param name="Part">0 for training, 1 for validation, 2 for test, or <see langword="null"/> where the parts are not given.</param>
internal sealed record LogRelation(string Relation, IReadOnlyList<TableColumn> Columns, int? Part = null);

/// <summary>How a log is read: from where, which column is what.</summary>
internal sealed record LogPlan
{
    /// <summary>Gets the data set's name.</summary>
    public required string Name { get; init; }

    /// <summary>Gets the layout.</summary>
    public required InteractionFormat Format { get; init; }

    /// <summary>Gets the name of what is read, for messages.</summary>
    public required string Subject { get; init; }

    /// <summary>Gets the relations, in the order of the log.</summary>
    public required IReadOnlyList<LogRelation> Relations { get; init; }

    /// <summary>Gets the columns by role.</summary>
    public required IReadOnlyDictionary<Role, string> Columns { get; init; }

    /// <summary>Gets whether the column of times holds texts or numbers of a known unit.</summary>
    public TimeUnit TimeUnit { get; init; }

    /// <summary>Gets whether rows are histories with targets, taken as they are.</summary>
    public bool IsRows { get; init; }

    /// <summary>Gets packed text files, which are read to their end by us too: the engine ends in silence where one was cut off.</summary>
    public IReadOnlyList<string> Packed { get; init; } = [];

    /// <summary>Gets whether there is a column of a role.</summary>
    public bool Has(Role role) => Columns.ContainsKey(role);

    /// <summary>Gets whether the parts are given.</summary>
    public bool HasParts => Relations.Any(relation => relation.Part is not null);
}
