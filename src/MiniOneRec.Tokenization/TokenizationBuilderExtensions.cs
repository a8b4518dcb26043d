using Microsoft.Extensions.AI;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using MiniOneRec;
using MiniOneRec.Tokenization;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers tokenization.</summary>
public static class TokenizationBuilderExtensions
{
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

        var services = builder.Services;
        services.AddOptions<TokenizationOptions>().ValidateOnStart();
        services.AddOptions<RqVaeOptions>().ValidateOnStart();
        services.AddOptions<TfIdfOptions>().ValidateOnStart();
        services.TryAddEnumerable(
        [
            ServiceDescriptor.Singleton<IValidateOptions<TokenizationOptions>, TokenizationOptionsValidator>(),
            ServiceDescriptor.Singleton<IValidateOptions<RqVaeOptions>, RqVaeOptionsValidator>(),
            ServiceDescriptor.Singleton<IValidateOptions<RqVaeOptions>, RqVaeOptionsRules>(),
            ServiceDescriptor.Singleton<IValidateOptions<TfIdfOptions>, TfIdfOptionsValidator>(),
        ]);
        services.Configure(configure ?? (_ => { }));
        services.Configure(configureQuantizer ?? (_ => { }));
        services.TryAddSingleton<IEmbeddingGenerator<string, Embedding<float>>>(provider => new TfIdfEncoder(
            provider.GetRequiredService<IOptions<TfIdfOptions>>().Value,
            provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value));
        services.TryAddSingleton<IQuantizer>(provider => new RqVaeQuantizer(
            provider.GetRequiredService<IOptions<RqVaeOptions>>().Value,
            provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value,
            provider.GetService<ILogger<RqVaeQuantizer>>()));
        services.TryAddSingleton(provider => new SemanticIdTokenizer(
            provider.GetRequiredService<IEmbeddingGenerator<string, Embedding<float>>>(),
            provider.GetRequiredService<IQuantizer>(),
            provider.GetRequiredService<IOptions<TokenizationOptions>>().Value,
            provider.GetService<ILogger<SemanticIdTokenizer>>()));
        return builder;
    }

    /// <summary>Replaces the quantizer.</summary>
    /// <param name="builder">The builder.</param>
    /// <typeparam name="T">The quantizer.</typeparam>
    public static MiniOneRecBuilder UseQuantizer<T>(this MiniOneRecBuilder builder)
        where T : class, IQuantizer
    {
        ArgumentNullException.ThrowIfNull(builder);
        builder.Services.Replace(ServiceDescriptor.Singleton<IQuantizer, T>());
        return builder;
    }
}
