using System.Diagnostics;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;

namespace MiniOneRec.AspNetCore;

/// <summary>Loads models, gives each its part, and hands requests the one that answers them.</summary>
/// <remarks>Changes run one at a time. A request holds its model until it has its answer, so that no change fails a request.</remarks>
internal sealed partial class ModelRegistry(
    IServiceProvider provider, ModelFolders folders, LiveCatalogue live, SharedParts parts, IOptions<ServingOptions> options,
    IOptions<MiniOneRecOptions> shared, TimeProvider time, ILogger<ModelRegistry> logger) : IAsyncDisposable
{
    private const int Attempts = 16;
    private readonly SemaphoreSlim _changing = new(1, 1);
    private readonly Func<string, string, CancellationToken, Task<GenerativeRecommender>> _load =
        provider.GetRequiredService<RecommenderLoader>().LoadingOf("");

    private volatile ModelSet _set = ModelSet.Empty;

    public ModelSet Set => _set;

    /// <summary>Gets the model that answers a request.</summary>
    /// <param name="name">The model that the request names, or null.</param>
    /// <param name="user">What the share of traffic is drawn by.</param>
    /// <exception cref="ServingProblem">404 for a name that is not in memory, 503 where no model serves.</exception>
    public ModelLease Choose(string? name, string user)
    {
        while (true)
        {
            var set = _set;
            string? chosen = name ?? set.Route(user);
            if (chosen is null)
            {
                throw ServingProblem.Unavailable("no-model", "No model serves; POST /v1/models activates one.");
            }

            if (!set.Loaded.TryGetValue(chosen, out var model))
            {
                throw ServingProblem.NotFound("No model of that name is in memory; GET /v1/models lists those that are.");
            }

            if (model.TryEnter())
            {
                return new ModelLease(model);
            }
        }
    }

    /// <summary>Enters the shadow model, where there is one.</summary>
    public ModelLease? Shadow()
    {
        var set = _set;
        return set.Shadow is { } name && set.Loaded.TryGetValue(name, out var model) && model.TryEnter() ? new ModelLease(model) : null;
    }

    /// <summary>Loads a model into memory, where it is not there already.</summary>
    public Task LoadAsync(string name, CancellationToken cancellationToken) =>
        ChangeAsync("load", name, set => Task.FromResult(set), load: true, cancellationToken);

    /// <summary>Serves a model in this process alone, as the server's settings name it.</summary>
    public Task BeginAsync(string name, CancellationToken cancellationToken) => ChangeAsync("activate", name,
        set => Task.FromResult(set with { Active = name }), load: true, cancellationToken, own: true);

    /// <summary>Serves a model; the one before is kept for a rollback.</summary>
    public Task ActivateAsync(string name, CancellationToken cancellationToken) => ChangeAsync("activate", name,
        set => Task.FromResult(set.Active == name ? set : set with
        {
            Active = name,
            Previous = set.Active,
            Candidate = set.Candidate == name ? null : set.Candidate,
            Share = set.Candidate == name ? 0 : set.Share,
            Shadow = set.Shadow == name ? null : set.Shadow,
        }),
        load: true, cancellationToken);

    /// <summary>Serves the model before again.</summary>
    public Task RollBackAsync(CancellationToken cancellationToken) => ChangeAsync("roll back", "",
        set => Task.FromResult(set.Previous is null
            ? throw ServingProblem.Conflict("There is no model to go back to.")
            : set with { Active = set.Previous, Previous = set.Active }),
        load: false, cancellationToken);

    /// <summary>Lets a model answer a share of users; 0 ends that.</summary>
    public Task ShareAsync(string name, double share, CancellationToken cancellationToken) => ChangeAsync("traffic", name,
        set => Task.FromResult(set.Active == name
            ? throw ServingProblem.Conflict($"Model '{name}' serves already; a share is for another one.")
            : share == 0 ? set with { Candidate = set.Candidate == name ? null : set.Candidate, Share = set.Candidate == name ? 0
                : set.Share }
            : set with { Candidate = name, Share = share }),
        load: share > 0, cancellationToken);

    /// <summary>Compares a model's answers with those that are given; an empty name ends that.</summary>
    public Task ShadowAsync(string name, CancellationToken cancellationToken) => ChangeAsync("shadow", name,
        set => Task.FromResult(set with { Shadow = name.Length == 0 ? null : name }), load: name.Length > 0, cancellationToken);

    /// <summary>Takes a model out of memory.</summary>
    public Task UnloadAsync(string name, CancellationToken cancellationToken) => ChangeAsync("unload", name,
        set =>
        {
            if (!set.Loaded.ContainsKey(name))
            {
                throw ServingProblem.NotFound("No model of that name is in memory.");
            }

            set = set.Previous == name ? set with { Previous = null } : set;
            return Task.FromResult(set.IsUsed(name)
                ? throw ServingProblem.Conflict("The model answers requests; activate another one, or end its share or shadow first.")
                : set with { Loaded = set.Loaded.Remove(name) });
        },
        load: false, cancellationToken);

    public async ValueTask DisposeAsync()
    {
        await _changing.WaitAsync().ConfigureAwait(false);
        var set = _set;
        _set = ModelSet.Empty;
        foreach (var model in set.Loaded.Values)
        {
            live.Detach(model);
            await model.RetireAsync().ConfigureAwait(false);
        }
    }

    /// <summary>Makes a change from what the replicas serve, and writes what comes of it for them.</summary>
    private async Task ChangeAsync(string action, string name, Func<ModelSet, Task<ModelSet>> change, bool load,
        CancellationToken cancellationToken, bool own = false)
    {
        await _changing.WaitAsync(cancellationToken).ConfigureAwait(false);
        try
        {
            for (int attempt = 0; attempt < Attempts; attempt++)
            {
                if (!own)
                {
                    await CatchUpAsync(cancellationToken).ConfigureAwait(false);
                }

                if (await TryChangeAsync(action, name, change, load, own, cancellationToken).ConfigureAwait(false))
                {
                    return;
                }
            }

            throw ServingProblem.Conflict($"Other replicas changed models {Attempts} times meanwhile; try again.");
        }
        finally
        {
            _changing.Release();
        }
    }

    private async Task<bool> TryChangeAsync(string action, string name, Func<ModelSet, Task<ModelSet>> change, bool load, bool own,
        CancellationToken cancellationToken)
    {
        var before = _set;
        var loaded = load && !before.Loaded.ContainsKey(name) ? await ReadAsync(name, before, cancellationToken).ConfigureAwait(false)
            : null;
        ModelSet next;
        try
        {
            next = await change(loaded is null ? before : before with { Loaded = before.Loaded.Add(name,
                loaded) }).ConfigureAwait(false);
            if (!own && next.Parts != before.Parts && !await parts.TryWriteAsync(next, cancellationToken).ConfigureAwait(false))
            {
                await ForgetAsync(loaded).ConfigureAwait(false);
                return false;
            }
        }
        catch
        {
            await ForgetAsync(loaded).ConfigureAwait(false);
            throw;
        }

        Publish(action, name, before, next);
        return true;
    }

    /// <summary>Serves a set. What loses its part leaves the memory; what was only loaded stays until it is unloaded.</summary>
    private void Publish(string action, string name, ModelSet before, ModelSet next)
    {
        var gone = next.Loaded.Keys.Where(key => before.IsUsed(key) && !next.IsUsed(key)).ToArray();
        next = next with { Loaded = next.Loaded.RemoveRange(gone) };
        _set = next;
        Log.ModelsChanged(logger, action, name, next.Active ?? "no model");
        foreach (var (key, model) in before.Loaded)
        {
            if (!next.Loaded.ContainsKey(key))
            {
                live.Detach(model);
                _ = model.RetireAsync();
            }
        }
    }

    private async Task<ServedModel> ReadAsync(string name, ModelSet set, CancellationToken cancellationToken)
    {
        if (set.Loaded.Count >= options.Value.MaxModels)
        {
            throw ServingProblem.Conflict(
                $"{set.Loaded.Count} models are in memory, the most that Serving:MaxModels allows; unload one first.");
        }

        long start = Stopwatch.GetTimestamp();
        var (folder, index) = folders.Find(name);
        string revision = await ModelFolders.RevisionAsync(folder, cancellationToken).ConfigureAwait(false);
        GenerativeRecommender? recommender = null;
        ServedModel? model = null;
        try
        {
            recommender = await _load(folder, shared.Value.Device, cancellationToken).ConfigureAwait(false);
            recommender.Name = name;
            var catalogue = await ModelCatalogue.LoadAsync(recommender.Index, index, shared.Value,
                provider.GetService<IEmbeddingGenerator<string, Embedding<float>>>(), cancellationToken).ConfigureAwait(false);
            model = new ServedModel(name, revision, recommender, catalogue, logger);
            await live.AttachAsync(model, cancellationToken).ConfigureAwait(false);
            await recommender.RecommendAsync([recommender.Index.Items[0]], 1, cancellationToken).ConfigureAwait(false);
            model.LoadTime = Stopwatch.GetElapsedTime(start);
            Log.ModelLoaded(logger, name, recommender.Index.Count, model.LoadTime.TotalMilliseconds);
            return model;
        }
        catch (Exception e)
        {
            if (model is null)
            {
                recommender?.Dispose();
            }

            await ForgetAsync(model).ConfigureAwait(false);
            if (e is InvalidDataException or IOException)
            {
                throw new ServingProblem(422, "model", "The model cannot be loaded", e.Message);
            }

            throw;
        }
    }

    private async Task ForgetAsync(ServedModel? model)
    {
        if (model is not null)
        {
            live.Detach(model);
            await model.RetireAsync().ConfigureAwait(false);
        }
    }
}
