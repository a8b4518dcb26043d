using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Baselines;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the trainers of the neural baselines; the others are made by their constructors from the training data.</summary>
public static class BaselinesBuilderExtensions
{
    /// <summary>Adds the loaders of all saved baselines, so that a recommender that was saved with one as its prior can be
    /// loaded.</summary>
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
        .Add<SasRecOptions, SasRecTrainer>(
            "SasRec", configure, (options, shared, services) => new(options, shared, services.GetService<ILogger<SasRecTrainer>>()),
            new SasRecOptionsValidator(), new SasRecOptionsRules());

    /// <summary>Adds <see cref="SasRecTrainer"/> with <see cref="SasRecOptions"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of the options.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddSasRec(this MiniOneRecBuilder builder, IConfiguration configuration,
        Action<SasRecOptions>? configure = null) =>
        builder.UseConfiguration("SasRec", configuration).AddSasRec(configure);

    /// <summary>Adds <see cref="Gru4RecTrainer"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddGru4Rec(this MiniOneRecBuilder builder, Action<Gru4RecOptions>? configure = null) => builder
        .Add<Gru4RecOptions, Gru4RecTrainer>(
            "Gru4Rec", configure, (options, shared, services) => new(options, shared, services.GetService<ILogger<Gru4RecTrainer>>()),
            new Gru4RecOptionsValidator());

    /// <summary>Adds <see cref="Gru4RecTrainer"/> with <see cref="Gru4RecOptions"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of the options.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddGru4Rec(this MiniOneRecBuilder builder, IConfiguration configuration,
        Action<Gru4RecOptions>? configure = null) =>
        builder.UseConfiguration("Gru4Rec", configuration).AddGru4Rec(configure);

    /// <summary>Adds <see cref="CaserTrainer"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddCaser(this MiniOneRecBuilder builder, Action<CaserOptions>? configure = null) => builder
        .Add<CaserOptions, CaserTrainer>(
            "Caser", configure, (options, shared, services) => new(options, shared, services.GetService<ILogger<CaserTrainer>>()),
            new CaserOptionsValidator(), new CaserOptionsRules());

    /// <summary>Adds <see cref="CaserTrainer"/> with <see cref="CaserOptions"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of the options.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddCaser(this MiniOneRecBuilder builder, IConfiguration configuration,
        Action<CaserOptions>? configure = null) =>
        builder.UseConfiguration("Caser", configuration).AddCaser(configure);

    /// <summary>Adds <see cref="HstuTrainer"/>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddHstu(this MiniOneRecBuilder builder, Action<HstuOptions>? configure = null) => builder
        .Add<HstuOptions, HstuTrainer>(
            "Hstu", configure, (options, shared, services) => new(options, shared, services.GetService<ILogger<HstuTrainer>>()),
            new HstuOptionsValidator(), new HstuOptionsRules());

    /// <summary>Adds <see cref="HstuTrainer"/> with <see cref="HstuOptions"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of the options.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddHstu(this MiniOneRecBuilder builder, IConfiguration configuration,
        Action<HstuOptions>? configure = null) =>
        builder.UseConfiguration("Hstu", configuration).AddHstu(configure);

    private static MiniOneRecBuilder Add<[DynamicallyAccessedMembers(
        DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TOptions, TTrainer>(
        this MiniOneRecBuilder builder, string section, Action<TOptions>? configure, Func<TOptions, MiniOneRecOptions, IServiceProvider,
        TTrainer> create,
        params IReadOnlyList<IValidateOptions<TOptions>> validators)
        where TOptions : class
        where TTrainer : class
    {
        builder.AddOptions(section, configure).AddValidators(validators).Services.TryAddSingleton(services => create(
            services.GetRequiredService<IOptions<TOptions>>().Value, services.GetRequiredService<IOptions<MiniOneRecOptions>>().Value,
            services));
        return builder;
    }
}
