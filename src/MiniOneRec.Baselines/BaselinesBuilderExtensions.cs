using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Baselines;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the trainers of the neural baselines; the others are made by their constructors from the training data.</summary>
public static class BaselinesBuilderExtensions
{
    /// <summary>Adds the loaders of all saved baselines, so that a recommender that was saved with one as its prior can be loaded.</summary>
    /// <param name="builder">The builder.</param>
    public static MiniOneRecBuilder AddBaselines(this MiniOneRecBuilder builder)
    {
        ArgumentNullException.ThrowIfNull(builder);

        foreach (var loader in BaselineScorers.Loaders)
        {
            if (!builder.Services.Any(service => ReferenceEquals(service.ImplementationInstance, loader)))
            {
                builder.Services.AddSingleton(loader);
            }
        }

        return builder;
    }

    /// <summary>Adds <see cref="SasRecTrainer"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddSasRec(this MiniOneRecBuilder builder, Action<SasRecOptions>? configure = null) => builder
        .Add<SasRecOptions, SasRecOptionsValidator, SasRecTrainer>(configure, (o, shared, services) => new(o, shared, services.GetService<ILogger<SasRecTrainer>>()))
        .AddRules<SasRecOptions, SasRecOptionsRules>();

    /// <summary>Adds <see cref="Gru4RecTrainer"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddGru4Rec(this MiniOneRecBuilder builder, Action<Gru4RecOptions>? configure = null) => builder
        .Add<Gru4RecOptions, Gru4RecOptionsValidator, Gru4RecTrainer>(configure, (o, shared, services) => new(o, shared, services.GetService<ILogger<Gru4RecTrainer>>()));

    /// <summary>Adds <see cref="CaserTrainer"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddCaser(this MiniOneRecBuilder builder, Action<CaserOptions>? configure = null) => builder
        .Add<CaserOptions, CaserOptionsValidator, CaserTrainer>(configure, (o, shared, services) => new(o, shared, services.GetService<ILogger<CaserTrainer>>()))
        .AddRules<CaserOptions, CaserOptionsRules>();

    private static MiniOneRecBuilder Add<TOptions, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TValidator, TTrainer>(
        this MiniOneRecBuilder builder, Action<TOptions>? configure, Func<TOptions, MiniOneRecOptions, IServiceProvider, TTrainer> create)
        where TOptions : class
        where TValidator : class, IValidateOptions<TOptions>
        where TTrainer : class
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.AddOptions<TOptions>().ValidateOnStart();
        builder.AddRules<TOptions, TValidator>();
        builder.Services.Configure(configure ?? (_ => { }));
        builder.Services.TryAddSingleton(services => create(
            services.GetRequiredService<IOptions<TOptions>>().Value, services.GetRequiredService<IOptions<MiniOneRecOptions>>().Value, services));
        return builder;
    }

    private static MiniOneRecBuilder AddRules<TOptions, [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TRules>(this MiniOneRecBuilder builder)
        where TOptions : class
        where TRules : class, IValidateOptions<TOptions>
    {
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<TOptions>, TRules>());
        return builder;
    }
}
