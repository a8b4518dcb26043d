namespace MiniOneRec.Stores;

/// <summary>Describes which model of a server has which part.</summary>
public sealed record ModelParts
{
    /// <summary>Gets the name of the model that serves, or <see langword="null"/> for none.</summary>
    public string? Active { get; init; }

    /// <summary>Gets the name of the model that served before, to which a rollback goes.</summary>
    public string? Previous { get; init; }

    /// <summary>Gets the name of the model that answers a share of users.</summary>
    public string? Candidate { get; init; }

    /// <summary>Gets the share of users that <see cref="Candidate"/> answers, 0 to 1.</summary>
    public double Share { get; init; }

    /// <summary>Gets the name of the model whose answers are compared and not given.</summary>
    public string? Shadow { get; init; }

    /// <summary>Gets how many times the parts were written; set by the store, 0 where nobody has.</summary>
    public long Revision { get; init; }
}

/// <summary>Keeps which model has which part, for replicas that serve the same models.</summary>
/// <remarks>Implementations are safe for concurrent use, also by several processes. Of two replicas that change parts at once one succeeds;
/// the other reads what was written and changes that.</remarks>
public interface IModelPartStore
{
    /// <summary>Makes tables or checks the connection; called once before other calls.</summary>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task InitializeAsync(CancellationToken cancellationToken = default);

    /// <summary>Reads the parts of a deployment; those without a model and of revision 0 where nobody has written any.</summary>
    /// <param name="deployment">What replicas that share parts have in common.</param>
    /// <param name="cancellationToken">Ends the waiting.</param>
    Task<ModelParts> ReadPartsAsync(string deployment, CancellationToken cancellationToken = default);

    /// <summary>Writes the parts of a deployment where nobody has written since a revision.</summary>
    /// <param name="deployment">What replicas that share parts have in common.</param>
    /// <param name="parts">The parts; their revision does not count.</param>
    /// <param name="expectedRevision">The revision that the caller has seen.</param>
    /// <param name="cancellationToken">Ends the waiting; the parts may be written all the same.</param>
    /// <returns>The new revision, or <see langword="null"/> where another writer was first and nothing is written.</returns>
    Task<long?> TryWritePartsAsync(string deployment, ModelParts parts, long expectedRevision,
        CancellationToken cancellationToken = default);
}
