using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>One recommender that an application serves from a folder.</summary>
/// <param name="Name">The key of its services, or empty.</param>
/// <param name="Folder">The folder.</param>
internal sealed record RecommenderRegistration(string Name, string Folder)
{
    public const string FolderKey = "Folder";

    /// <summary>Gets the path of a recommender's options in configuration.</summary>
    public static string PathOf(string name) => name.Length == 0 ? "Recommender" : $"Recommenders:{name}";

    /// <summary>Gets the key of a scorer or recommender that belongs to a recommender.</summary>
    public static string PartKey(string name, string part) => $"minionerec:{part}:{name}";

    /// <summary>Registers a recommender: its options, its services, and its loading when the host starts.</summary>
    public static MiniOneRecBuilder Add(MiniOneRecBuilder builder, string name, string folder, Action<RecommenderOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(folder);

        var services = builder.Services;
        builder.AddOptions(PathOf(name), configure, name: name, otherKeys: [FolderKey]).AddValidators(new RecommenderOptionsValidator());
        var earlier = services.Select(service => service is { IsKeyedService: false } ? service.ImplementationInstance as RecommenderRegistration : null)
            .FirstOrDefault(registration => registration?.Name == name);
        if (earlier is not null)
        {
            return earlier.Folder == folder ? builder : throw new InvalidOperationException(
                $"{(name.Length == 0 ? "A recommender" : $"A recommender named '{name}'")} is registered already, from '{earlier.Folder}'; '{folder}' needs "
                + $"{(name.Length == 0 ? "a name: AddRecommender(name, folder)" : "another name")}.");
        }

        if (name.Length == 0 && services.FirstOrDefault(service => service is { IsKeyedService: false } && service.ServiceType == typeof(IRecommender)) is { } own)
        {
            string what = (own.ImplementationType ?? own.ImplementationInstance?.GetType())?.Name ?? "a factory";
            throw new InvalidOperationException(
                $"The application registers {what} as IRecommender already; give the recommender of '{folder}' a name: AddRecommender(name, folder).");
        }

        services.AddSingleton(new RecommenderRegistration(name, folder));
        services.AddRegistries();
        services.TryAddSingleton<RecommenderLoader>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RecommenderStart>());
        if (name.Length == 0)
        {
            services.TryAddSingleton(provider => provider.GetRequiredService<RecommenderLoader>().Get(name));
            services.AddSingleton<IRecommender>(provider => provider.GetRequiredService<GenerativeRecommender>());
        }
        else
        {
            services.AddKeyedSingleton(name, (provider, _) => provider.GetRequiredService<RecommenderLoader>().Get(name));
            services.AddKeyedSingleton<IRecommender>(name, (provider, _) => provider.GetRequiredKeyedService<GenerativeRecommender>(name));
        }

        return builder;
    }
}
