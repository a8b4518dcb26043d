using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;

namespace MiniOneRec.AspNetCore;

/// <summary>One model in memory: its recommender, its catalogue, and the count of requests inside.</summary>
/// <param name="name">The name of its folder.</param>
/// <param name="revision">A hash of its files.</param>
/// <param name="recommender">The recommender, owned.</param>
/// <param name="catalogue">Its catalogue, owned.</param>
/// <param name="logger">Told when the model is disposed.</param>
internal sealed class ServedModel(string name, string revision, GenerativeRecommender recommender, ModelCatalogue catalogue, ILogger logger)
{
    private readonly HostedVersion _version = new(name, recommender, logger);

    public string Name => name;

    public string Revision => revision;

    public GenerativeRecommender Recommender => recommender;

    public ModelCatalogue Catalogue => catalogue;

    /// <summary>Gets how many beams a request has; boosts look at as many items.</summary>
    public int BeamWidth { get; } = recommender.Options.BeamWidth;

    /// <summary>Gets or sets how long loading and warming up took.</summary>
    public TimeSpan LoadTime { get; set; }

    /// <summary>Counts a request, unless the model is retired.</summary>
    public bool TryEnter() => _version.TryEnter();

    /// <summary>Ends a request that entered.</summary>
    public void Exit() => _version.Exit();

    /// <summary>Lets no further request in, and disposes everything when the last one is answered.</summary>
    public async Task RetireAsync()
    {
        await _version.RetireAsync().ConfigureAwait(false);
        catalogue.Dispose();
    }
}

/// <summary>A model that a request holds; it is not disposed before the request ends.</summary>
/// <param name="model">The model, entered.</param>
internal readonly struct ModelLease(ServedModel model) : IDisposable
{
    public ServedModel Model => model;

    public void Dispose() => model.Exit();
}
