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
    /// <summary>Adds <see cref="SasRecTrainer"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddSasRec(this MiniOneRecBuilder builder, Action<SasRecOptions>? configure = null) =>
        builder.Add<SasRecOptions, SasRecOptionsValidator, SasRecOptionsRules, SasRecTrainer>(
            configure, (options, shared, services) => new SasRecTrainer(options, shared, services.GetService<ILogger<SasRecTrainer>>()));

    private static MiniOneRecBuilder Add<
        TOptions,
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TValidator,
        [DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] TRules,
        TTrainer>(
        this MiniOneRecBuilder builder, Action<TOptions>? configure, Func<TOptions, MiniOneRecOptions, IServiceProvider, TTrainer> create)
        where TOptions : class
        where TValidator : class, IValidateOptions<TOptions>
        where TRules : class, IValidateOptions<TOptions>
        where TTrainer : class
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.Services.AddOptions<TOptions>().ValidateOnStart();
        builder.Services.TryAddEnumerable(
        [
            ServiceDescriptor.Singleton<IValidateOptions<TOptions>, TValidator>(),
            ServiceDescriptor.Singleton<IValidateOptions<TOptions>, TRules>(),
        ]);
        builder.Services.Configure(configure ?? (_ => { }));
        builder.Services.TryAddSingleton(services => create(
            services.GetRequiredService<IOptions<TOptions>>().Value, services.GetRequiredService<IOptions<MiniOneRecOptions>>().Value, services));
        return builder;
    }
}
