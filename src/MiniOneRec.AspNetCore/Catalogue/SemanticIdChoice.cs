using MiniOneRec.Modeling;
using MiniOneRec.Stores;
using MiniOneRec.Tokenization;

namespace MiniOneRec.AspNetCore;

/// <summary>Chooses the semantic IDs of changed items under every model in memory; taken back unless it is kept.</summary>
internal sealed class SemanticIdChoice(LiveItems items, IReadOnlyList<ServedModel> models) : IDisposable
{
    private readonly List<(SemanticIdCatalogue Catalogue, string[] Ids, bool Free)> _added = [];
    private bool _kept;

    /// <summary>Returns whether a model has tokens for a semantic ID.</summary>
    public static bool CanWrite(SemanticIdVocabulary vocabulary, SemanticId id)
    {
        try
        {
            vocabulary.Encode(id);
            return true;
        }
        catch (ArgumentException)
        {
            return false;
        }
    }

    /// <summary>Works out what is written for each change; a change that cannot be is failed, and the others go on.</summary>
    public async Task MakeAsync(IReadOnlyList<PendingChange> changes, CancellationToken cancellationToken)
    {
        foreach (var change in changes.Where(change => change.IsOpen))
        {
            try
            {
                change.Next = change.Item is null ? Removed(change) : Changed(change);
            }
            catch (ServingProblem e)
            {
                change.Fail(e);
            }
        }

        CheckSomethingIsLeft(changes);
        foreach (var group in models.GroupBy(model => model.Catalogue.Key))
        {
            var model = group.FirstOrDefault(candidate => candidate.Catalogue is { Growing: not null, Tokenizer: not null });
            PendingChange[] missing = [.. changes.Where(change => change is { IsOpen: true, Item: not null } && Lacks(change,
                group.First()))];
            if (model is not null && missing.Length > 0)
            {
                await AssignAsync(model, [.. group], missing, cancellationToken).ConfigureAwait(false);
            }
        }

        foreach (var change in changes.Where(change => change is { IsOpen: true, Item: not null } && models.Count > 0
            && models.All(model => Lacks(change, model))))
        {
            change.Fail(ServingProblem.Invalid(
                "No model in memory has the quantizer and encoder that give a new item its semantic ID; "
                + "give the item a 'semanticId', or put the folder that `minionerec index` wrote beside the model."));
        }
    }

    /// <summary>Keeps the choice: the store has taken it.</summary>
    public void Keep() => _kept = true;

    public void Dispose()
    {
        foreach (var (catalogue, ids, free) in _kept ? [] : _added.Where(added => added.Ids.Length > 0))
        {
            catalogue.RemoveItems(ids, free);
        }
    }

    private static bool Lacks(PendingChange change, ServedModel model) =>
        !model.Catalogue.First.TryGetRow(change.Id, out _) && LiveItems.SemanticIdIn(change.Next!, model.Catalogue) is null;

    private StoredItem Removed(PendingChange change)
    {
        bool known = models.Any(model => model.Catalogue.First.TryGetRow(change.Id, out _)) || items.Items.ContainsKey(change.Id);
        bool removed = items.Stored.TryGetValue(change.Id, out var before) && before.IsRemoved;
        return known && !removed
            ? (before ?? new StoredItem(items.Find(change.Id) ?? new Item { Id = change.Id })) with { IsRemoved = true }
            : throw ServingProblem.NotFound("The catalogue has no item of that id.");
    }

    private StoredItem Changed(PendingChange change)
    {
        items.Stored.TryGetValue(change.Id, out var before);
        var next = new StoredItem(change.Item!) { SemanticIds = before?.SemanticIds ?? new Dictionary<string, string>() };
        if (change.SemanticId is not { } wanted)
        {
            return next;
        }

        var changed = new Dictionary<string, string>(next.SemanticIds);
        foreach (var model in models.DistinctBy(model => model.Catalogue.Key))
        {
            if (model.Catalogue.First.TryGetSemanticId(change.Id, out var own) && own != wanted)
            {
                throw ServingProblem.Conflict($"The item has the semantic ID {own}, which does not change while it is served.");
            }

            if (changed.TryGetValue(model.Catalogue.Key, out string? given) && given != wanted.ToString())
            {
                throw ServingProblem.Conflict($"The item has the semantic ID {given}, which does not change while it is served.");
            }

            if (wanted.Depth < model.Catalogue.First.SemanticIds.Min(id => id.Depth) || !CanWrite(model.Recommender.Template.Vocabulary,
                wanted))
            {
                string levels = string.Join(", ", model.Catalogue.First.LevelSizes);
                throw ServingProblem.Invalid($"Model '{model.Name}' cannot write {wanted}; its levels have {levels} codes.");
            }

            changed[model.Catalogue.Key] = wanted.ToString();
        }

        return next with { SemanticIds = changed };
    }

    /// <summary>A catalogue without items cannot be served.</summary>
    private void CheckSomethingIsLeft(IReadOnlyList<PendingChange> changes)
    {
        var removed = changes.Where(change => change is { IsOpen: true, Item: null }).ToList();
        foreach (var model in removed.Count == 0 ? [] : models)
        {
            int left = model.Recommender.Index.Count - removed.Count(change => model.Recommender.Index.TryGetRow(change.Id, out _));
            if (left == 0)
            {
                removed.ForEach(change => change.Fail(ServingProblem.Conflict("The catalogue's last item cannot be removed.")));
            }
        }
    }

    private async Task AssignAsync(ServedModel model, ServedModel[] alike, PendingChange[] changes, CancellationToken cancellationToken)
    {
        var growing = model.Catalogue.Growing!;
        try
        {
            var addition = await model.Catalogue.Tokenizer!.AddItemsAsync(growing, [.. changes.Select(change => change.Item!)],
                cancellationToken: cancellationToken).ConfigureAwait(false);
            string[] restored = [.. addition.Restored], added = [.. addition.Items.Except(restored, StringComparer.Ordinal)];
            _added.AddRange([(growing, added, true), (growing, restored, false)]);
            foreach (var (id, semanticId) in addition.Items.Zip(addition.SemanticIds))
            {
                var change = Array.Find(changes, change => change.Id == id)!;
                if (CanWrite(model.Recommender.Template.Vocabulary, semanticId))
                {
                    change.Next = change.Next! with
                    {
                        SemanticIds = new Dictionary<string,
                            string>(change.Next.SemanticIds) { [model.Catalogue.Key] = semanticId.ToString() },
                    };
                }
            }

            foreach (var other in alike.Where(other => other != model && other.Catalogue.Growing is not null))
            {
                other.Catalogue.Growing!.Adopt([.. addition.Items.Zip(addition.SemanticIds, KeyValuePair.Create)]);
                _added.Add((other.Catalogue.Growing, added, true));
            }

            foreach (var unknown in addition.UnknownTexts.Where(unknown => unknown.SemanticId is null))
            {
                Array.Find(changes, change => change.Id == unknown.ItemId)?.Fail(ServingProblem.Invalid(
                    "The item gets no semantic ID: its text has no term that the catalogue knows. "
                    + "Give it a title or a description in words that the catalogue knows."));
            }
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            if (changes.Length == 1)
            {
                changes[0].Fail(ServingProblem.Invalid($"The item gets no semantic ID: {e.Message}"));
                return;
            }

            foreach (var change in changes)
            {
                await AssignAsync(model, alike, [change], cancellationToken).ConfigureAwait(false);
            }
        }
    }
}
