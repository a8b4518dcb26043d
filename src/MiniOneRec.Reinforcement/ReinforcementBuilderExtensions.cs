using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using System.Globalization;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Reinforcement;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers reinforcement.</summary>
public static class ReinforcementBuilderExtensions
{
    private const string Section = "Reinforcement";

    /// <summary>Adds <see cref="GrpoTrainer"/>; it needs at least one reward.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddReinforcement(this MiniOneRecBuilder builder, Action<GrpoOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.AddOptions(Section, configure, (options, shared) => options.Seed = shared.Seed)
            .AddValidators<GrpoOptions>(new GrpoOptionsValidator(), new GrpoOptionsRules());
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

    /// <summary>Adds reinforcement with <see cref="GrpoOptions"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of the options.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddReinforcement(this MiniOneRecBuilder builder, IConfiguration configuration,
        Action<GrpoOptions>? configure = null) =>
        builder.UseConfiguration(Section, configuration).AddReinforcement(configure);

    /// <summary>Adds a reward to the sum, with weight 1; a reward of the same type that is there already stays as it is.</summary>
    /// <typeparam name="T">The reward; its constructor receives services and the options that the application configured.</typeparam>
    /// <param name="builder">The builder.</param>
    public static MiniOneRecBuilder AddReward<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this MiniOneRecBuilder builder)
        where T : class, IRewardFunction => builder.AddReward<T>(null);

    /// <summary>Adds a reward to the sum.</summary>
    /// <typeparam name="T">The reward; its constructor receives services and the options that the application configured.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="weight">Its weight in the sum.</param>
    /// <exception cref="InvalidOperationException">The reward was added before with another weight.</exception>
    public static MiniOneRecBuilder AddReward<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this MiniOneRecBuilder builder, double weight)
        where T : class, IRewardFunction => builder.AddReward<T>((double?)weight);

    /// <summary>Adds a reward that a factory makes to the sum.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="factory">Makes the reward.</param>
    /// <param name="weight">Its weight in the sum.</param>
    public static MiniOneRecBuilder AddReward(this MiniOneRecBuilder builder, Func<IServiceProvider, IRewardFunction> factory,
        double weight = 1)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(factory);
        builder.Services.AddSingleton<IRewardFunction>(services => new WeightedReward(factory(services), weight));
        return builder;
    }

    /// <summary>Adds a reward to the sum.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="reward">The reward.</param>
    /// <param name="weight">Its weight in the sum.</param>
    public static MiniOneRecBuilder AddReward(this MiniOneRecBuilder builder, IRewardFunction reward, double weight = 1)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(reward);
        builder.Services.AddSingleton<IRewardFunction>(new WeightedReward(reward, weight));
        return builder;
    }

    /// <summary>Replaces the sampler of rollouts, a beam search by default.</summary>
    /// <typeparam name="T">The sampler; its constructor receives services and the options that the application configured.</typeparam>
    /// <param name="builder">The builder.</param>
    public static MiniOneRecBuilder UseRollouts<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this MiniOneRecBuilder builder)
        where T : class, IRolloutSampler => builder.UseRollouts(services => services.CreateWithOptions<T>());

    /// <summary>Replaces the sampler of rollouts by one that a factory makes.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="factory">Makes the sampler.</param>
    public static MiniOneRecBuilder UseRollouts(this MiniOneRecBuilder builder, Func<IServiceProvider, IRolloutSampler> factory)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(factory);
        builder.Services.Replace(ServiceDescriptor.Singleton(factory));
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

    private static MiniOneRecBuilder AddReward<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this MiniOneRecBuilder builder, double? weight)
        where T : class, IRewardFunction
    {
        ArgumentNullException.ThrowIfNull(builder);

        var added = builder.Services.Select(service => service.ImplementationInstance).OfType<RewardWeight>()
            .FirstOrDefault(given => given.Reward == typeof(T));
        if (added is null)
        {
            double value = weight ?? 1;
            builder.Services.AddSingleton(new RewardWeight(typeof(T), value));
            builder.Services.TryAddSingleton(services => services.CreateWithOptions<T>());
            builder.Services.AddSingleton<IRewardFunction>(services => new WeightedReward(services.GetRequiredService<T>(), value));
        }
        else if (weight is not null && weight != added.Weight)
        {
            throw new InvalidOperationException(string.Create(
                CultureInfo.InvariantCulture,
                $"{typeof(T).Name} was added with weight {added.Weight} and now with {weight}; a reward counts once, so name one weight."));
        }

        return builder;
    }

    /// <summary>Notes with which weight a reward was added.</summary>
    private sealed record RewardWeight(Type Reward, double Weight);
}
