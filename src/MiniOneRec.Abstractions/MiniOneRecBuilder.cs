using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec;

/// <summary>What the packages' registration methods extend.</summary>
public sealed class MiniOneRecBuilder
{
    internal MiniOneRecBuilder(IServiceCollection services) => Services = services;

    /// <summary>Gets the application's services.</summary>
    public IServiceCollection Services { get; }
}
