using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>Loads the recommenders that an application registered, each once, with all that the application gives them.</summary>
/// <remarks>The container owns what is loaded: the services of <see cref="RecommenderRegistration"/> return it, and dispose it.</remarks>
internal sealed class RecommenderLoader(IServiceProvider provider, IEnumerable<RecommenderRegistration> registrations)
{
    private readonly ConcurrentDictionary<string, Lazy<Task<GenerativeRecommender>>> _loading = new(StringComparer.Ordinal);

    /// <summary>Loads a recommender, or waits for its loading that has begun.</summary>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    /// <exception cref="OptionsValidationException">The application's options break a rule.</exception>
    public Task<GenerativeRecommender> LoadAsync(string name, CancellationToken cancellationToken = default) =>
        _loading.GetOrAdd(name, key => new(() => StartAsync(key, cancellationToken))).Value;

    /// <summary>Gets a recommender. One that is not loaded yet is loaded on the thread pool while the caller waits.</summary>
    /// <remarks>The wait needs nothing of the calling thread: what the container provides is resolved before the loading starts.</remarks>
    public GenerativeRecommender Get(string name) => LoadAsync(name).GetAwaiter().GetResult();

    private Task<GenerativeRecommender> StartAsync(string name, CancellationToken cancellationToken)
    {
        string folder = registrations.Single(registration => registration.Name == name).Folder;
        string device = provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value.Device;
        var prior = provider.GetKeyedService<IItemScorer>(RecommenderRegistration.PartKey(name, "prior"))
            ?? (name.Length == 0 ? provider.GetService<IItemScorer>() : provider.GetKeyedService<IItemScorer>(name));
        var fallback = provider.GetKeyedService<IRecommender>(RecommenderRegistration.PartKey(name, "fallback"));
        IConfigureOptions<RecommenderOptions>[] configure = [.. provider.GetServices<IConfigureOptions<RecommenderOptions>>()];
        IPostConfigureOptions<RecommenderOptions>[] configureLast = [.. provider.GetServices<IPostConfigureOptions<RecommenderOptions>>()];
        IValidateOptions<RecommenderOptions>[] validators = [.. provider.GetServices<IValidateOptions<RecommenderOptions>>()];
        var load = new RecommenderLoadOptions
        {
            Device = device,
            Scorers = [.. provider.GetServices<ScorerLoader>()],
            Templates = provider.GetRequiredService<PromptTemplateRegistry>(),
            Backbones = provider.GetRequiredService<BackboneRegistry>(),
            Configure = Change,
            Logger = provider.GetService<ILogger<GenerativeRecommender>>(),
            Meters = provider.GetService<IMeterFactory>(),
        };
        return Task.Run(
            async () =>
            {
                var recommender = await ModelFolder.LoadAsync(folder, load, cancellationToken).ConfigureAwait(false);
                recommender.Name = name.Length == 0 ? recommender.Name : name;
                recommender.Prior = prior ?? recommender.Prior;
                recommender.Fallback = fallback ?? recommender.Fallback;
                return recommender;
            },
            cancellationToken);

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

            string[] failures = [.. validators.Select(validator => validator.Validate(name, saved)).Where(result => result.Failed).SelectMany(result => result.Failures ?? [])];
            if (failures.Length > 0)
            {
                throw new OptionsValidationException(name, typeof(RecommenderOptions), failures);
            }
        }
    }
}
