using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Reinforcement;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers reinforcement.</summary>
public static class ReinforcementBuilderExtensions
{
    /// <summary>Adds <see cref="GrpoTrainer"/>; it needs at least one <see cref="AddReward{T}"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddReinforcement(this MiniOneRecBuilder builder, Action<GrpoOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.AddOptions<GrpoOptions>()
            .Configure<IOptions<MiniOneRecOptions>>((options, shared) => options.Seed = shared.Value.Seed)
            .ValidateOnStart();
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GrpoOptions>, GrpoOptionsValidator>());
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<GrpoOptions>, GrpoOptionsRules>());
        builder.Services.Configure(configure ?? (_ => { }));
        builder.Services.TryAddSingleton<IRolloutSampler>(_ => new BeamRolloutSampler());
        builder.Services.TryAddSingleton(services => new GrpoTrainer(
            services.GetServices<IRewardFunction>(),
            services.GetRequiredService<IOptions<GrpoOptions>>().Value,
            services.GetRequiredService<IRolloutSampler>(),
            services.GetService<ILogger<GrpoTrainer>>())
        {
            Meters = services.GetService<IMeterFactory>(),
        });
        return builder;
    }

    /// <summary>Adds a reward to the sum; called again for the same type it changes nothing.</summary>
    /// <typeparam name="T">The reward.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="weight">Its weight in the sum.</param>
    public static MiniOneRecBuilder AddReward<T>(this MiniOneRecBuilder builder, double weight = 1)
        where T : class, IRewardFunction
    {
        ArgumentNullException.ThrowIfNull(builder);

        if (!builder.Services.Any(service => service.ServiceType == typeof(T)))
        {
            builder.Services.AddSingleton<T>();
            builder.Services.AddSingleton<IRewardFunction>(services => new WeightedReward(services.GetRequiredService<T>(), weight));
        }

        return builder;
    }

    /// <summary>Replaces the sampler of rollouts, a beam search by default.</summary>
    /// <typeparam name="T">The sampler.</typeparam>
    /// <param name="builder">The builder.</param>
    public static MiniOneRecBuilder UseRollouts<T>(this MiniOneRecBuilder builder)
        where T : class, IRolloutSampler
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.Replace(ServiceDescriptor.Singleton<IRolloutSampler, T>());
        return builder;
    }

    /// <summary>Replaces the sampler of rollouts by one with settings of its own.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="sampler">The sampler.</param>
    public static MiniOneRecBuilder UseRollouts(this MiniOneRecBuilder builder, IRolloutSampler sampler)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(sampler);

        builder.Services.Replace(ServiceDescriptor.Singleton(sampler));
        return builder;
    }
}
