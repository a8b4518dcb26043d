using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Loads the recommenders and hosts that an application registered, each once, with all that the application gives them.</summary>
/// <remarks>The container owns what is loaded: the services of <see cref="RecommenderRegistration"/> return it, and dispose it.</remarks>
internal sealed class RecommenderLoader(IServiceProvider provider, IEnumerable<RecommenderRegistration> registrations)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<IRecommender>>> _loading = new(StringComparer.Ordinal);

    /// <summary>Loads a <see cref="GenerativeRecommender"/> or a <see cref="RecommenderHost"/>, as registered, or waits for its loading
    /// that has begun.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    /// <exception cref="OptionsValidationException">The application's options break a rule.</exception>
    public Task<IRecommender> LoadAsync(string name, CancellationToken cancellationToken = default) =>
        _loading.GetOrAdd(name,
            key => new(() => StartAsync(registrations.Single(registration => registration.Name == key), cancellationToken))).Value;

    /// <summary>Gets what is registered under a name. What is not loaded yet is loaded on the thread pool while the caller waits.</summary>
    /// <typeparam name="T">The class that is registered.</typeparam>
    /// <remarks>The wait needs nothing of the calling thread: what the container provides is resolved before the loading starts.</remarks>
    public T Get<T>(string name)
        where T : IRecommender => (T)LoadAsync(name).GetAwaiter().GetResult();

    private Task<IRecommender> StartAsync(RecommenderRegistration registration, CancellationToken cancellationToken)
    {
        var load = LoadingOf(registration.Name);
        if (!registration.Hosted)
        {
            string device = provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value.Device;
            return Task.Run<IRecommender>(async () => await load(registration.Folder, device, cancellationToken).ConfigureAwait(false),
                cancellationToken);
        }

        var options = provider.GetRequiredService<IOptionsMonitor<RecommenderHostOptions>>().Get(registration.Name);
        var host =
            new RecommenderHost(options, provider.GetService<ILoggerFactory>(), provider.GetService<IMeterFactory>()) { LoadFolder = load };
        host.Name = registration.Name.Length == 0 ? host.Name : registration.Name;
        return Task.Run<IRecommender>(
            async () =>
            {
                try
                {
                    await host.SwapAsync(registration.Folder, cancellationToken: cancellationToken).ConfigureAwait(false);
                    return host;
                }
                catch
                {
                    await host.DisposeAsync().ConfigureAwait(false);
                    throw;
                }
            },
            cancellationToken);
    }

    /// <summary>Resolves what the application gives a recommender, and returns how a folder is loaded with it.</summary>
    public Func<string, string, CancellationToken, Task<GenerativeRecommender>> LoadingOf(string name)
    {
        var prior = provider.GetKeyedService<IItemScorer>(RecommenderRegistration.PartKey(name, "prior"))
            ?? (name.Length == 0 ? provider.GetService<IItemScorer>() : provider.GetKeyedService<IItemScorer>(name));
        var fallback = provider.GetKeyedService<IRecommender>(RecommenderRegistration.PartKey(name, "fallback"));
        IConfigureOptions<RecommenderOptions>[] configure = [.. provider.GetServices<IConfigureOptions<RecommenderOptions>>()];
        IPostConfigureOptions<RecommenderOptions>[] configureLast = [.. provider.GetServices<IPostConfigureOptions<RecommenderOptions>>()];
        IValidateOptions<RecommenderOptions>[] validators = [.. provider.GetServices<IValidateOptions<RecommenderOptions>>()];
        var options = new RecommenderLoadOptions
        {
            Scorers = [.. provider.GetServices<ScorerLoader>()],
            Templates = provider.GetRequiredService<PromptTemplateRegistry>(),
            Backbones = provider.GetRequiredService<BackboneRegistry>(),
            Configure = Change,
            Logger = provider.GetService<ILogger<GenerativeRecommender>>(),
            Meters = provider.GetService<IMeterFactory>(),
        };
        return async (folder, device, cancellationToken) =>
        {
            var recommender = await ModelFolder.LoadAsync(folder, options with { Device = device }, cancellationToken)
                .ConfigureAwait(false);
            recommender.Name = name.Length == 0 ? recommender.Name : name;
            recommender.Prior = prior ?? recommender.Prior;
            recommender.Fallback = fallback ?? recommender.Fallback;
            return recommender;
        };

        // The saved options take the place of the defaults.
        void Change(RecommenderOptions saved)
        {
            foreach (var step in configure)
            {
                if (step is IConfigureNamedOptions<RecommenderOptions> named)
                {
                    named.Configure(name, saved);
                }
                else if (name.Length == 0)
                {
                    step.Configure(saved);
                }
            }

            foreach (var step in configureLast)
            {
                step.PostConfigure(name, saved);
            }

            string[] failures = [.. validators.Select(validator => validator.Validate(name, saved)).Where(result => result.Failed)
                .SelectMany(result => result.Failures ?? [])];
            if (failures.Length > 0)
            {
                throw new OptionsValidationException(name, typeof(RecommenderOptions), failures);
            }
        }
    }
}
