using MiniOneRec.Stores;

namespace MiniOneRec.AspNetCore;

/// <content>What other replicas have chosen.</content>
internal sealed partial class ModelRegistry
{
    private static readonly TimeSpan RetryAfter = TimeSpan.FromSeconds(30);
    private DateTimeOffset _retryAt = DateTimeOffset.MinValue;
    private bool _cannotFollow;
    private bool _cannotRead;

    /// <summary>Takes over the parts that another replica, or this one before its last end, has written.</summary>
    /// <returns>Whether a model of the store's choice serves.</returns>
    public async Task<bool> FollowAsync(CancellationToken cancellationToken)
    {
        if (!parts.IsKept)
        {
            return false;
        }

        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            bool changed = await CatchUpAsync(cancellationToken).ConfigureAwait(false);
            _cannotRead = false;
            return changed && _set.Active is not null;
        }
        finally
        {
            _changing.Release();
        }
    }

    /// <summary>Does so for ever; what fails is logged once and tried again.</summary>
    public async Task KeepFollowingAsync(CancellationToken cancellationToken)
    {
        try
        {
            await FollowAsync(cancellationToken).ConfigureAwait(false);
        }
#pragma warning disable CA1031 // The store is away; what is served goes on being served.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            if (!_cannotRead)
            {
                _cannotRead = true;
                Log.PartsNotRead(logger, e, _set.Active ?? "no model");
            }
        }
    }

    /// <summary>Serves the parts of the store where they are newer; those that cannot be served here are logged and left.</summary>
    private async Task<bool> CatchUpAsync(CancellationToken cancellationToken)
    {
        bool again = _cannotFollow && time.GetUtcNow() >= _retryAt;
        if (again)
        {
            parts.Saw(new ModelParts());
        }

        if (await parts.ReadNewerAsync(cancellationToken).ConfigureAwait(false) is not { } newer)
        {
            return false;
        }

        parts.Saw(newer);
        try
        {
            await ServeAsync(newer, cancellationToken).ConfigureAwait(false);
            _cannotFollow = false;
            return true;
        }
#pragma warning disable CA1031 // Whatever is wrong with the chosen model, what is served goes on being served.
        catch (Exception e) when (e is not OperationCanceledException)
#pragma warning restore CA1031
        {
            if (!again)
            {
                Log.PartsNotServed(logger, e, newer.Revision, newer.Active ?? "no model", _set.Active ?? "no model");
            }

            (_cannotFollow, _retryAt) = (true, time.GetUtcNow() + RetryAfter);
            return false;
        }
    }

    private async Task ServeAsync(ModelParts newer, CancellationToken cancellationToken)
    {
        var (before, next) = (_set, _set);
        try
        {
            foreach (string name in new[] { newer.Active, newer.Candidate, newer.Shadow }.OfType<string>().Distinct(StringComparer.Ordinal))
            {
                next = await WithAsync(name, next, cancellationToken).ConfigureAwait(false);
            }

            next = next with { Active = newer.Active, Candidate = newer.Candidate, Share = newer.Share, Shadow = newer.Shadow,
                Previous = newer.Previous };
            if (newer.Previous is not null)
            {
                try
                {
                    next = await WithAsync(newer.Previous, next, cancellationToken).ConfigureAwait(false);
                }
                catch (Exception e) when (e is ServingProblem or IOException)
                {
                    next = next with { Previous = null };           // it answers nobody: only the way back is missing
                }
            }
        }
        catch
        {
            foreach (var model in next.Loaded.Values.Where(model => !before.Loaded.ContainsKey(model.Name)))
            {
                await ForgetAsync(model).ConfigureAwait(false);
            }

            throw;
        }

        Publish("follow", "", before, next);
    }

    private async Task<ModelSet> WithAsync(string name, ModelSet set, CancellationToken cancellationToken) =>
        set.Loaded.ContainsKey(name) ? set
            : set with { Loaded = set.Loaded.Add(name, await ReadAsync(name, set, cancellationToken).ConfigureAwait(false)) };
}
