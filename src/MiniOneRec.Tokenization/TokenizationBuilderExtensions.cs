using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Tokenization;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers tokenization.</summary>
public static class TokenizationBuilderExtensions
{
    private const string Section = "Tokenization";

    /// <summary>
    /// Adds <see cref="SemanticIdTokenizer"/> with <see cref="RqVaeQuantizer"/>; the encoder is the application's
    /// <c>IEmbeddingGenerator&lt;string, Embedding&lt;float&gt;&gt;</c>, or <see cref="TfIdfEncoder"/> where there is none.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    /// <param name="configureQuantizer">Sets the options of the RQ-VAE.</param>
    public static MiniOneRecBuilder AddTokenization(
        this MiniOneRecBuilder builder, Action<TokenizationOptions>? configure = null, Action<RqVaeOptions>? configureQuantizer = null)
    {
        ArgumentNullException.ThrowIfNull(builder);

        builder.AddOptions(Section, configure).AddValidators(new TokenizationOptionsValidator())
            .AddOptions(Section + ":RqVae", configureQuantizer)
                .AddValidators<RqVaeOptions>(new RqVaeOptionsValidator(), new RqVaeOptionsRules())
            .AddOptions<TfIdfOptions>(Section + ":TfIdf").AddValidators(new TfIdfOptionsValidator());
        var services = builder.Services;
        services.TryAddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(provider => new TfIdfEncoder(
            provider.GetRequiredService<IOptions<TfIdfOptions>>().Value,
            provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value));
        services.TryAddSingleton<IQuantizer>(provider => provider.CreateWithOptions<RqVaeQuantizer>());
        services.TryAddSingleton(provider => new SemanticIdTokenizer(
            provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>(),
            provider.GetRequiredService<IQuantizer>(),
            provider.GetRequiredService<IOptions<TokenizationOptions>>().Value,
            provider.GetService<ILogger<SemanticIdTokenizer>>()));
        return builder;
    }

    /// <summary>
    /// Adds tokenization with options from configuration: <see cref="TokenizationOptions"/> in the section itself, those of encoder and
    /// quantizer in the sections <c>TfIdf</c> and <c>RqVae</c> within it, or <c>RqKMeans</c>, <c>RqOpq</c>, <c>Fsq</c> where such a
    /// quantizer is used.
    /// </summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configuration">The section of tokenization.</param>
    /// <param name="configure">Sets the options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddTokenization(
        this MiniOneRecBuilder builder, IConfiguration configuration, Action<TokenizationOptions>? configure = null) =>
        builder.UseConfiguration(Section, configuration).AddTokenization(configure);

    /// <summary>Replaces the quantizer; it receives its options, device, seed and logger from the container.</summary>
    /// <remarks>
    /// A quantizer that the application writes takes what it needs in its constructor: options that the application configures,
    /// <see cref="MiniOneRecOptions"/>, services.
    /// </remarks>
    /// <param name="builder">The builder.</param>
    /// <typeparam name="T">The quantizer.</typeparam>
    public static MiniOneRecBuilder UseQuantizer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T>(
        this MiniOneRecBuilder builder)
        where T : class, IQuantizer
    {
        ArgumentNullException.ThrowIfNull(builder);

        AddOptionsOf(builder, typeof(T));
        return builder.UseQuantizer(provider => provider.CreateWithOptions<T>());
    }

    /// <summary>Replaces the quantizer and sets its options.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="configure">Sets the options.</param>
    /// <typeparam name="T">The quantizer.</typeparam>
    /// <typeparam name="TOptions">Its options, which its constructor takes.</typeparam>
    public static MiniOneRecBuilder UseQuantizer<[DynamicallyAccessedMembers(DynamicallyAccessedMemberTypes.PublicConstructors)] T,
        TOptions>(
        this MiniOneRecBuilder builder, Action<TOptions> configure)
        where T : class, IQuantizer
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(configure);
        builder.UseQuantizer<T>().Services.Configure(configure);
        return builder;
    }

    /// <summary>Replaces the quantizer by one that a factory makes; the container disposes it.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="factory">Makes the quantizer.</param>
    public static MiniOneRecBuilder UseQuantizer(this MiniOneRecBuilder builder, Func<IServiceProvider, IQuantizer> factory)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(factory);
        builder.Services.Replace(ServiceDescriptor.Singleton(factory));
        return builder;
    }

    /// <summary>Replaces the quantizer by an instance, for example a fitted one; the caller disposes it.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="quantizer">The quantizer.</param>
    public static MiniOneRecBuilder UseQuantizer(this MiniOneRecBuilder builder, IQuantizer quantizer)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(quantizer);
        builder.Services.Replace(ServiceDescriptor.Singleton(quantizer));
        return builder;
    }

    private static void AddOptionsOf(MiniOneRecBuilder builder, Type quantizer)
    {
        if (quantizer == typeof(RqKMeansQuantizer))
        {
            builder.AddOptions<RqKMeansOptions>(Section + ":RqKMeans")
                .AddValidators<RqKMeansOptions>(new RqKMeansOptionsValidator(), new RqKMeansOptionsRules());
        }
        else if (quantizer == typeof(RqOpqQuantizer))
        {
            builder.AddOptions<RqOpqOptions>(Section + ":RqOpq")
                .AddValidators<RqOpqOptions>(new RqOpqOptionsValidator(), new RqOpqOptionsRules());
        }
        else if (quantizer == typeof(FsqQuantizer))
        {
            builder.AddOptions<FsqOptions>(Section + ":Fsq").AddValidators<FsqOptions>(new FsqOptionsValidator(), new FsqOptionsRules());
        }
        else if (quantizer == typeof(RqKMeansPlusQuantizer))
        {
            // It shares the options of the RQ-VAE but starts from defaults of its own, which configuration and code then overrule.
            builder.AddOptions<RqVaeOptions>(Section + ":RqVae")
                .AddValidators<RqVaeOptions>(new RqVaeOptionsValidator(), new RqVaeOptionsRules());
            builder.Services.Insert(0, ServiceDescriptor.Singleton<IConfigureOptions<RqVaeOptions>>(
                new ConfigureOptions<RqVaeOptions>(options => options.Training = RqKMeansPlusQuantizer.Defaults().Training)));
        }
    }
}
