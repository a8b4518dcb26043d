using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace MiniOneRec;

/// <summary>Registers the options of packages that extend <see cref="MiniOneRecBuilder"/>.</summary>
/// <remarks>
/// Options are set in one order, wherever the calls stand: defaults, then the shared settings, then configuration, then code
/// (<c>Configure</c> and the delegates of the registration methods) in the order of its calls. Configuration is read once, when the options
/// are first needed or the host starts.
/// </remarks>
internal static class OptionsRegistration
{
    /// <summary>What a trimmed application must know about the overloads that take configuration.</summary>
    public const string ReflectionMessage =
        "Binds configuration to options by reflection; a trimmed application sets options in delegates.";

    /// <summary>Registers options that are validated when the host starts, and binds the configuration that there is for them.</summary>
    /// <typeparam name="TOptions">The options.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The options' section within the application's configuration of MiniOneRec, for example
    /// <c>Tokenization:RqVae</c>.</param>
    /// <param name="configure">Sets the options after configuration did, or <see langword="null"/>.</param>
    /// <param name="shared">Sets before configuration what the options take from the shared ones, or <see langword="null"/>.</param>
    /// <param name="name">The name of the options; empty for the default ones.</param>
    /// <param name="otherKeys">Keys of the section that are no options and that the package reads itself.</param>
    public static MiniOneRecBuilder AddOptions<[DynamicallyAccessedMembers(
        DynamicallyAccessedMemberTypes.PublicParameterlessConstructor)] TOptions>(
        this MiniOneRecBuilder builder, string path, Action<TOptions>? configure = null, Action<TOptions,
        MiniOneRecOptions>? shared = null, string name = "",
        params IReadOnlyList<string> otherKeys)
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(otherKeys);

        builder.Services.AddOptions<TOptions>(name).ValidateOnStart();
        var sections = ConfigurationSections.Of(builder.Services);
        sections.Read(path, otherKeys);
        if (sections.Bind(typeof(TOptions), name))
        {
            // In front of all that the application configured before.
            builder.Services.Insert(0,
                ServiceDescriptor.Singleton<IConfigureOptions<TOptions>>(provider => new ConfigurationBinding<TOptions>(
                path, name, sections,
                shared is null ? null : options => shared(options, provider.GetRequiredService<IOptions<MiniOneRecOptions>>().Value),
                provider.GetService<ILoggerFactory>())));
        }

        if (configure is not null)
        {
            builder.Services.Configure(name, configure);
        }

        return builder;
    }

    /// <summary>Names configuration for a path and all paths below it; the packages' <c>AddX(IConfiguration)</c> call it.</summary>
    /// <param name="builder">The builder.</param>
    /// <param name="path">The path.</param>
    /// <param name="configuration">The configuration of that path, most often a section.</param>
    [RequiresUnreferencedCode(ReflectionMessage)]
    [RequiresDynamicCode(ReflectionMessage)]
    public static MiniOneRecBuilder UseConfiguration(this MiniOneRecBuilder builder, string path, IConfiguration configuration)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(path);
        ArgumentNullException.ThrowIfNull(configuration);
        ConfigurationSections.Of(builder.Services).Give(path, configuration);
        return builder;
    }

    /// <summary>Adds validators of options, each once.</summary>
    /// <typeparam name="TOptions">The options.</typeparam>
    /// <param name="builder">The builder.</param>
    /// <param name="validators">The validators, each of a class of its own.</param>
    public static MiniOneRecBuilder AddValidators<TOptions>(this MiniOneRecBuilder builder,
        params IReadOnlyList<IValidateOptions<TOptions>> validators)
        where TOptions : class
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentNullException.ThrowIfNull(validators);
        foreach (var validator in validators)
        {
            builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton(validator));
        }

        return builder;
    }
}
