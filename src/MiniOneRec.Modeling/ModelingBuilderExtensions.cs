using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Modeling;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the decoder and the generative recommender.</summary>
public static class ModelingBuilderExtensions
{
    /// <summary>Adds the factory of recommenders with fresh weights.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddModeling(this MiniOneRecBuilder builder, Action<ModelingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.AddOptions<ModelingOptions>().ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ModelingOptions>, ModelingOptionsValidator>());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<ModelingOptions>, ModelingOptionsRules>());
        builder.Services.Configure(configure ?? (_ => { }));
        builder.Services.TryAddSingleton(provider => new GenerativeRecommenderFactory(
            provider.GetRequiredService<IOptions<ModelingOptions>>().Value,
            provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value,
            provider.GetService<ILogger<GenerativeRecommender>>())
        {
            Meters = provider.GetService<IMeterFactory>(),
        });
        return builder;
    }

    /// <summary>Adds a saved recommender as <see cref="IRecommender"/>; it is loaded when first asked for.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="folder">A folder that <see cref="GenerativeRecommender.SaveAsync(string, CancellationToken)"/> wrote.</param>
    public static MiniOneRecBuilder AddRecommender(this MiniOneRecBuilder builder, string folder)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(folder);

        builder.Services.TryAddSingleton(provider =>
        {
            string device = provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value.Device;
            return Task.Run(() => GenerativeRecommender.LoadAsync(
                folder, provider.GetServices<ScorerLoader>(), device, provider.GetService<ILogger<GenerativeRecommender>>(), provider.GetService<IMeterFactory>())).GetAwaiter().GetResult();
        });
        builder.Services.TryAddSingleton<IRecommender>(provider => provider.GetRequiredService<GenerativeRecommender>());
        return builder;
    }
}
