using Microsoft.Extensions.Logging;
using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <summary>Keeps items, store and the models' catalogues at one revision: reads changes of other replicas, and writes those of this
/// one.</summary>
/// <remarks>
/// Everything happens under one gate. Changes that come while it is taken are gathered and written together by the caller that gets it
/// next.
/// A change chooses semantic IDs under the revision that is here; where another replica has written meanwhile, its changes are read and the
/// choice is made again.
/// </remarks>
internal sealed class LiveCatalogue(
    IItemStore store, LiveItems items, ServingTelemetry telemetry, ServingTraces traces, ILogger<LiveCatalogue> logger) : IDisposable
{
    private const int PageSize = 1_000;
    private const int MostTogether = 256;
    private const int Attempts = 16;
    private readonly SemaphoreSlim _gate = new(1, 1);
    private readonly Lock _pendingGate = new();
    private readonly List<ServedModel> _models = [];
    private readonly List<PendingChange> _pending = [];
    private readonly HashSet<string> _unserved = new(StringComparer.Ordinal);
    private bool _failing;

    public LiveItems Items => items;

    /// <summary>Gets the revision of a model's catalogue: its first index and the store's revision.</summary>
    public string RevisionOf(ServedModel model) => $"{model.Catalogue.Key[..12]}-{items.Revision}";

    /// <summary>Brings a model to the present revision, and keeps it there.</summary>
    public async Task AttachAsync(ServedModel model, CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await ReadAsync(cancellationToken).ConfigureAwait(false);
            _models.Add(model);
            if (model.Catalogue is { Growing: { } growing, Tokenizer: not null })
            {
                Adopt(model, growing, items.Stored.Values);
                await AssignStoredAsync(model, cancellationToken).ConfigureAwait(false);
            }

            Serve(model, changed: null);
            ServeChanges();
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Forgets a model.</summary>
    public void Detach(ServedModel model)
    {
        _gate.Wait();
        _models.Remove(model);
        _gate.Release();
    }

    /// <summary>Reads what others have changed; a store that cannot be read is logged once, and tried again.</summary>
    public async Task SyncAsync(CancellationToken cancellationToken)
    {
        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            await ReadAsync(cancellationToken).ConfigureAwait(false);
            ServeChanges();
            if (_failing)
            {
                _failing = false;
                Log.SyncWorks(logger, items.Revision);
            }
        }
#pragma warning disable CA1031 // The store is away; what is served goes on being served.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            telemetry.SyncFailed();
            if (!_failing)
            {
                _failing = true;
                Log.SyncFailed(logger, e, items.Revision);
            }
        }
        finally
        {
            _gate.Release();
        }
    }

    /// <summary>Adds, changes or removes an item; when it returns the item is served accordingly.</summary>
    /// <exception cref="ServingProblem">404, 409 or 422: the item is unknown, is the last one, or gets no semantic ID.</exception>
    public async Task<StoredItem> ChangeAsync(PendingChange change, CancellationToken cancellationToken)
    {
        lock (_pendingGate)
        {
            _pending.Add(change);
        }

        await _gate.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            while (Take() is { Count: > 0 } together)
            {
                // Others' changes are among them: a caller that leaves does not end their writing.
                await WriteAsync(together, CancellationToken.None).ConfigureAwait(false);
            }
        }
        finally
        {
            _gate.Release();
        }

        return await change.Done.ConfigureAwait(false);
    }

    public void Dispose() => _gate.Dispose();

    /// <summary>Takes waiting changes, each item once.</summary>
    private List<PendingChange> Take()
    {
        lock (_pendingGate)
        {
            var ids = new HashSet<string>(StringComparer.Ordinal);
            var taken = _pending.Where(change => ids.Count < MostTogether && ids.Add(change.Id)).ToList();
            _pending.RemoveAll(taken.Contains);
            return taken;
        }
    }

    private async Task WriteAsync(List<PendingChange> changes, CancellationToken cancellationToken)
    {
        try
        {
            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                await ReadAsync(cancellationToken).ConfigureAwait(false);
                using var choice = new SemanticIdChoice(items, _models);
                await choice.MakeAsync(changes, cancellationToken).ConfigureAwait(false);
                StoredItem[] next = [.. changes.Where(change => change.IsOpen).Select(change => change.Next!)];
                long? revision = next.Length == 0 ? items.Revision
                    : await traces.StoreAsync("items.write", () => store.TryWriteAsync(next, items.Revision, cancellationToken))
                        .ConfigureAwait(false);
                if (revision is null)
                {
                    continue;                                       // another replica was first; the choice is undone and made again
                }

                choice.Keep();
                next = [.. next.Select((item, i) => item with { Revision = revision.Value - next.Length + 1 + i })];
                Apply(next);
                ServeChanges();
                foreach (var (change, stored) in changes.Where(change => change.IsOpen).ToArray().Zip(next))
                {
                    change.Succeed(stored);
                }

                telemetry.Catalogue(items.Revision);
                return;
            }

            throw ServingProblem.Conflict($"Other replicas wrote items {Attempts} times while a semantic ID was chosen; try again.");
        }
#pragma warning disable CA1031 // Every caller of the group must get an answer.
        catch (Exception e)
#pragma warning restore CA1031
        {
            changes.ForEach(change => change.Fail(e));
        }
    }

    /// <summary>Reads the store's changes into the table and the growing catalogues.</summary>
    private async Task ReadAsync(CancellationToken cancellationToken)
    {
        while (await traces.StoreAsync("items.changes", () => store.ReadChangesAsync(items.Revision, PageSize, cancellationToken))
            .ConfigureAwait(false) is { Count: > 0 } changes)
        {
            Apply(changes);
            foreach (var model in _models.Where(model => model.Catalogue.Growing is not null))
            {
                Adopt(model, model.Catalogue.Growing!, changes);
            }
        }

        telemetry.Catalogue(items.Revision);
    }

    private void Apply(IReadOnlyCollection<StoredItem> changes)
    {
        items.Apply(changes);
        _unserved.UnionWith(changes.Select(change => change.Item.Id));
    }

    private static void Adopt(ServedModel model, Tokenization.SemanticIdCatalogue growing, IEnumerable<StoredItem> changes)
    {
        KeyValuePair<string, SemanticId>[] known =
        [
            .. changes.Select(item => (item.Item.Id, Sid: LiveItems.SemanticIdIn(item,
                model.Catalogue))).Where(pair => pair.Sid is not null)
                .Select(pair => KeyValuePair.Create(pair.Id, pair.Sid!)),
        ];
        if (known.Length > 0)
        {
            growing.Adopt(known);
        }
    }

    /// <summary>Gives items of the store that came under another model their semantic IDs under this one.</summary>
    private async Task AssignStoredAsync(ServedModel model, CancellationToken cancellationToken)
    {
        var missing = items.Stored.Values.Where(item => !item.IsRemoved && !model.Catalogue.First.TryGetRow(item.Item.Id, out _)
            && LiveItems.SemanticIdIn(item, model.Catalogue) is null).OrderBy(item => item.Revision).ToList();
        foreach (var chunk in missing.Chunk(MostTogether))
        {
            await WriteAsync([.. chunk.Select(item => new PendingChange(item.Item.Id, item.Item, null))],
                cancellationToken).ConfigureAwait(false);
        }
    }

    /// <summary>Brings the changes to all models; those that fail to get them get them with the next ones.</summary>
    private void ServeChanges()
    {
        if (_unserved.Count > 0)
        {
            _models.ForEach(model => Serve(model, _unserved));
            _unserved.Clear();
        }
    }

    private void Serve(ServedModel model, IReadOnlyCollection<string>? changed)
    {
        var (before, vocabulary) = (model.Recommender.Index, model.Recommender.Template.Vocabulary);
        bool CanWrite(SemanticId id) => SemanticIdChoice.CanWrite(vocabulary, id);
        int left;
        var index = changed is null ? items.IndexOf(model.Catalogue, CanWrite, out left)
            : items.IndexAfter(before, changed, model.Catalogue, CanWrite, out left);
        if (!ReferenceEquals(index, before))
        {
            model.Recommender.Swap(index);
        }

        if (left > 0)
        {
            Log.ItemsWithoutCode(logger, model.Name, left);
        }
    }
}
