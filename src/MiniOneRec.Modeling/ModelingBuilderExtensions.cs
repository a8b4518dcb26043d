using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Modeling;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers the decoder and the generative recommender.</summary>
public static class ModelingBuilderExtensions
{
    private const string Section = "Modeling";

    /// <summary>Adds the factory of recommenders, with fresh weights or on a pretrained model.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    public static MiniOneRecBuilder AddModeling(this MiniOneRecBuilder builder, Action<ModelingOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.AddOptions(Section, configure).AddValidators<ModelingOptions>(new ModelingOptionsValidator(), new ModelingOptionsRules());
        builder.Services.TryAddSingleton(provider => new GenerativeRecommenderFactory(
            provider.GetRequiredService<IOptions<ModelingOptions>>().Value,
            provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value,
            provider.GetService<ILogger<GenerativeRecommender>>())
        {
            Meters = provider.GetService<IMeterFactory>(),
            Backbones = provider.GetRequiredService<BackboneRegistry>(),
            Pretrained = provider.GetService<PretrainedReader>(),
        });
        builder.Services.AddRegistries();
        return builder;
    }

    /// <summary>Adds the factory of recommenders with <see cref="ModelingOptions"/> from configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of the options.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddModeling(this MiniOneRecBuilder builder, IConfiguration configuration,
        Action<ModelingOptions>? configure = null) =>
        builder.UseConfiguration(Section, configuration).AddModeling(configure);

    /// <summary>
    /// Adds a saved recommender as <see cref="IRecommender"/> and <see cref="GenerativeRecommender"/>. It is loaded while the host starts,
    /// and a folder that cannot be loaded stops the start; without a host it is loaded when it is first resolved.
    /// </summary>
    /// <remarks>
    /// It serves with the options that were saved, changed by the application's <see cref="RecommenderOptions"/> where these are set, and
    /// with the application's logger. Its prior is the application's <see cref="IItemScorer"/> or that of
    /// <see cref="UsePrior(MiniOneRecBuilder, Func{IServiceProvider, IItemScorer}, string)"/>, its fallback that of
    /// <see cref="UseFallback(MiniOneRecBuilder, Func{IServiceProvider, IRecommender}, string)"/>.
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="folder">A folder that <see cref="GenerativeRecommender.SaveAsync(string, CancellationToken)"/> wrote.</param>
    /// <param name="configure">Changes the saved options.</param>
    /// <exception cref="InvalidOperationException">Another recommender is registered already; the message names both.</exception>
    public static MiniOneRecBuilder AddRecommender(this MiniOneRecBuilder builder, string folder,
        Action<RecommenderOptions>? configure = null) =>
        RecommenderRegistration.Add(builder, Options.Options.DefaultName, folder, configure);

    /// <summary>
    /// Adds a saved recommender under a name, beside others: resolved as keyed service, for example by <c>[FromKeyedServices("books")]</c>.
    /// Options, prior and fallback are those of the same name.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The key of the services and the name of the options.</param>
    /// <param name="folder">A folder that <see cref="GenerativeRecommender.SaveAsync(string, CancellationToken)"/> wrote.</param>
    /// <param name="configure">Changes the saved options.</param>
    /// <exception cref="InvalidOperationException">Another recommender has the name already; the message names both folders.</exception>
    public static MiniOneRecBuilder AddRecommender(this MiniOneRecBuilder builder, string name, string folder,
        Action<RecommenderOptions>? configure = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return RecommenderRegistration.Add(builder, name, folder, configure);
    }

    /// <summary>Adds a saved recommender whose <c>Folder</c> and <see cref="RecommenderOptions"/> are in configuration.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section.</param>
    /// <param name="name">The name, or empty for the recommender that is resolved without a key.</param>
    /// <exception cref="InvalidOperationException">The section names no folder, or another recommender is registered already.</exception>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddRecommender(this MiniOneRecBuilder builder, IConfiguration configuration, string name = "")
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(name);
        string folder = RecommenderRegistration.FolderOf(configuration);
        return RecommenderRegistration.Add(builder.UseConfiguration(RecommenderRegistration.PathOf(name), configuration), name, folder,
            null);
    }

    /// <summary>Adds the loader of a prompt template of the application's own, so that saved recommenders with it load.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="loader">The loader; of two of one name the last is used.</param>
    public static MiniOneRecBuilder AddPromptTemplate(this MiniOneRecBuilder builder, PromptTemplateLoader loader)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(loader);
        builder.Services.AddSingleton(loader);
        builder.Services.AddRegistries();
        return builder;
    }

    /// <summary>Adds the loader of a backbone of the application's own, so that saved recommenders and pretrained folders with it
    /// load.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="loader">The loader; of two of one model type the last is used.</param>
    public static MiniOneRecBuilder AddBackbone(this MiniOneRecBuilder builder, BackboneLoader loader)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(loader);
        builder.Services.AddSingleton(loader);
        builder.Services.AddRegistries();
        return builder;
    }

    /// <summary>
    /// Adds a <see cref="RecommenderHost"/> as <see cref="IRecommender"/> and <see cref="RecommenderHost"/>: the application changes the
    /// model while it serves, by <see cref="RecommenderHost.SwapAsync(string, string?, CancellationToken)"/>. Its first version is loaded
    /// and warmed up while the application's host starts, and a folder that cannot be loaded stops the start; without an application's host
    /// it is loaded when it is first resolved.
    /// </summary>
    /// <remarks>
    /// Every folder that the host loads gets what <see cref="AddRecommender(MiniOneRecBuilder, string, Action{RecommenderOptions}?)"/>
    /// gives: the application's options, logger, meters, prior and fallback. <see cref="RecommenderHost.IsReady"/> and
    /// <see cref="RecommenderHost.ActiveVersion"/> answer a readiness probe.
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <param name="folder">The folder of the first version, which <see cref="GenerativeRecommender.SaveAsync(string, CancellationToken)"/>
    /// wrote.</param>
    /// <param name="configure">Sets the options of the host; its device is the shared one by default.</param>
    /// <param name="configureRecommender">Changes the saved options of every version.</param>
    /// <exception cref="InvalidOperationException">Another recommender is registered already; the message names both.</exception>
    public static MiniOneRecBuilder AddRecommenderHost(
        this MiniOneRecBuilder builder, string folder, Action<RecommenderHostOptions>? configure = null,
        Action<RecommenderOptions>? configureRecommender = null) =>
        RecommenderRegistration.AddHost(builder, Options.Options.DefaultName, folder, configure, configureRecommender);

    /// <summary>Adds a <see cref="RecommenderHost"/> under a name, beside others: resolved as keyed service, for example by
    /// <c>[FromKeyedServices("books")]</c>.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="name">The key of the services and the name of the options.</param>
    /// <param name="folder">The folder of the first version, which <see cref="GenerativeRecommender.SaveAsync(string, CancellationToken)"/>
    /// wrote.</param>
    /// <param name="configure">Sets the options of the host; its device is the shared one by default.</param>
    /// <param name="configureRecommender">Changes the saved options of every version.</param>
    /// <exception cref="InvalidOperationException">Another recommender has the name already; the message names both folders.</exception>
    public static MiniOneRecBuilder AddRecommenderHost(
        this MiniOneRecBuilder builder, string name, string folder, Action<RecommenderHostOptions>? configure = null,
        Action<RecommenderOptions>? configureRecommender = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        return RecommenderRegistration.AddHost(builder, name, folder, configure, configureRecommender);
    }

    /// <summary>
    /// Adds a <see cref="RecommenderHost"/> whose <c>Folder</c> and <see cref="RecommenderHostOptions"/> are in configuration, with the
    /// <see cref="RecommenderOptions"/> of its versions in the section <c>Recommender</c> below.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section.</param>
    /// <param name="name">The name, or empty for the host that is resolved without a key.</param>
    /// <exception cref="InvalidOperationException">The section names no folder, or another recommender is registered already.</exception>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddRecommenderHost(this MiniOneRecBuilder builder, IConfiguration configuration, string name = "")
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(configuration);
        ArgumentNullException.ThrowIfNull(name);
        string folder = RecommenderRegistration.FolderOf(configuration);
        return RecommenderRegistration.AddHost(
            builder.UseConfiguration(RecommenderRegistration.PathOf(name, hosted: true), configuration), name, folder, null, null);
    }

    /// <summary>Sets the scorer whose probabilities a recommender of <c>AddRecommender</c> or <c>AddRecommenderHost</c> mixes into
    /// decoding.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="factory">Makes the scorer.</param>
    /// <param name="name">The recommender's name.</param>
    public static MiniOneRecBuilder UsePrior(this MiniOneRecBuilder builder, Func<IServiceProvider, IItemScorer> factory, string name = "")
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(factory);
        ArgumentNullException.ThrowIfNull(name);
        return RecommenderPart.Use(builder, name, "prior", factory);
    }

    /// <summary>Sets the scorer whose probabilities a recommender of <c>AddRecommender</c> or <c>AddRecommenderHost</c> mixes into
    /// decoding.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="prior">The scorer; stays the caller's to dispose.</param>
    /// <param name="name">The recommender's name.</param>
    public static MiniOneRecBuilder UsePrior(this MiniOneRecBuilder builder, IItemScorer prior, string name = "")
    {
        ArgumentNullException.ThrowIfNull(prior);
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        return RecommenderPart.Use(builder, name, "prior", prior);
    }

    /// <summary>Sets the recommender that answers where a history holds no known item.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="factory">Makes the recommender.</param>
    /// <param name="name">The name of the recommender that it stands in for.</param>
    public static MiniOneRecBuilder UseFallback(this MiniOneRecBuilder builder, Func<IServiceProvider, IRecommender> factory,
        string name = "")
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(factory);
        ArgumentNullException.ThrowIfNull(name);
        return RecommenderPart.Use(builder, name, "fallback", factory);
    }

    /// <summary>Sets the recommender that answers where a history holds no known item.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="fallback">The recommender; stays the caller's to dispose.</param>
    /// <param name="name">The name of the recommender that it stands in for.</param>
    public static MiniOneRecBuilder UseFallback(this MiniOneRecBuilder builder, IRecommender fallback, string name = "")
    {
        ArgumentNullException.ThrowIfNull(fallback);
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(name);
        return RecommenderPart.Use(builder, name, "fallback", fallback);
    }

    /// <summary>Adds the registries, which know the loaders of the container and those of the process.</summary>
    internal static void AddRegistries(this IServiceCollection services)
    {
        services.TryAddSingleton(provider => new PromptTemplateRegistry(provider.GetServices<PromptTemplateLoader>()));
        services.TryAddSingleton(provider => new BackboneRegistry(provider.GetServices<BackboneLoader>()));
    }
}
