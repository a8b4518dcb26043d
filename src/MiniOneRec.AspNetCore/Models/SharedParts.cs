using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Options;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>The parts of models that replicas share through the store, where it keeps them.</summary>
/// <remarks>
/// Servers whose <see cref="ServingOptions.Model"/> is the same share parts, so that a server that is started with another model does not
/// change what the others serve. Used by one caller at a time.
/// </remarks>
internal sealed class SharedParts(IServiceProvider provider, IOptions<ServingOptions> options, ServingTraces traces)
{
    private const string NoModel = "-";
    private readonly IModelPartStore? _store =
        provider.GetService<IModelPartStore>() ?? provider.GetRequiredService<IItemStore>() as IModelPartStore;

    private readonly string _deployment = options.Value.Model.Length > 0 ? options.Value.Model : NoModel;

    /// <summary>Gets whether the store keeps parts.</summary>
    public bool IsKept => _store is not null;

    /// <summary>Gets the revision that this process serves, or tried to.</summary>
    public long Revision { get; private set; }

    public Task InitializeAsync(CancellationToken cancellationToken) =>
        _store is null or IHistoryStore or IItemStore ? Task.CompletedTask : _store.InitializeAsync(cancellationToken);

    /// <summary>Reads the parts, or returns null where those of <see cref="Revision"/> are the last ones.</summary>
    public async Task<ModelParts?> ReadNewerAsync(CancellationToken cancellationToken)
    {
        if (_store is null)
        {
            return null;
        }

        var parts = await traces.StoreAsync("models.read", () => _store.ReadPartsAsync(_deployment, cancellationToken))
            .ConfigureAwait(false);
        return parts.Revision == Revision ? null : parts;
    }

    /// <summary>Notes that parts are served, or cannot be.</summary>
    public void Saw(ModelParts parts) => Revision = parts.Revision;

    /// <summary>Writes the parts of a set; false where another replica was first.</summary>
    public async Task<bool> TryWriteAsync(ModelSet set, CancellationToken cancellationToken)
    {
        if (_store is null)
        {
            return true;
        }

        long? revision = await traces.StoreAsync("models.write",
            () => _store.TryWritePartsAsync(_deployment, set.Parts, Revision, cancellationToken)).ConfigureAwait(false);
        Revision = revision ?? Revision;
        return revision is not null;
    }
}
