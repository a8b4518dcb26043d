using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Options;
using MiniOneRec;

namespace Microsoft.Extensions.DependencyInjection;

/// <summary>Registers MiniOneRec.</summary>
public static class MiniOneRecServiceCollectionExtensions
{
    /// <summary>Adds what all packages share and returns the builder that they extend.</summary>
    /// <param name="services">The application's services.</param>
    /// <param name="configure">Sets the shared options.</param>
    public static MiniOneRecBuilder AddMiniOneRec(this IServiceCollection services, Action<MiniOneRecOptions>? configure = null)
    {
        ArgumentNullException.ThrowIfNull(services);

        services.AddOptions<MiniOneRecOptions>().ValidateOnStart();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IValidateOptions<MiniOneRecOptions>, MiniOneRecOptionsValidator>());
        services.Configure(configure ?? (_ => { }));
        return new MiniOneRecBuilder(services);
    }
}
