using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec;

/// <summary>Registers the services of the packages; their <c>AddX</c> methods extend it.</summary>
public sealed class MiniOneRecBuilder
{
    internal MiniOneRecBuilder(IServiceCollection services) => Services = services;

    /// <summary>Gets the application's services.</summary>
    public IServiceCollection Services { get; }
}
