using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using MiniOneRec;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers MiniOneRec.</summary>
public static class MiniOneRecServiceCollectionExtensions
{
    private const string Section = "MiniOneRec";

    /// <summary>Adds what all packages share and returns the builder that they extend.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the shared options.</param>
    public static MiniOneRecBuilder AddMiniOneRec(this IServiceCollection services, Action<MiniOneRecOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        return new MiniOneRecBuilder(services).AddOptions("", configure).AddValidators(new MiniOneRecOptionsValidator());
    }

    /// <summary>
    /// Adds what all packages share, and binds the shared options and those of every package that is added to the builder: <c>Device</c>
    /// and <c>Seed</c> stand in the section itself, the others in sections named after the packages, for example <c>Alignment</c>.
    /// </summary>
    /// <remarks>A key that nothing reads stops the start of the host with its path and the nearest known names. Delegates overrule
    /// configuration.</remarks>
    /// <param name="services">The application's services.</param>
    /// <param name="configuration">The section of MiniOneRec, or the application's whole configuration where it has a section
    /// <c>MiniOneRec</c>.</param>
    /// <param name="configure">Sets the shared options after configuration did.</param>
    [RequiresUnreferencedCode(OptionsRegistration.ReflectionMessage)]
    [RequiresDynamicCode(OptionsRegistration.ReflectionMessage)]
    public static MiniOneRecBuilder AddMiniOneRec(this IServiceCollection services, IConfiguration configuration,
        Action<MiniOneRecOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(configuration);
        var section = configuration is IConfigurationRoot && configuration.GetSection(Section).Exists() ? configuration.GetSection(Section)
            : configuration;
        return services.AddMiniOneRec(configure).UseConfiguration("", section);
    }
}
