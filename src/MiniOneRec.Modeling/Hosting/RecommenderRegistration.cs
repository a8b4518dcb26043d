using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Modeling;

/// <summary>One recommender that an application serves from a folder, by itself or in a host.</summary>
/// <param name="Name">The key of its services, or empty.</param>
/// <param name="Folder">The folder.</param>
/// <param name="Hosted">Whether it is a <see cref="RecommenderHost"/>, which changes to other folders later.</param>
internal sealed record RecommenderRegistration(string Name, string Folder, bool Hosted)
{
    public const string FolderKey = "Folder";

    /// <summary>Gets the class that the application resolves.</summary>
    public Type Service => Hosted ? typeof(RecommenderHost) : typeof(GenerativeRecommender);

    /// <summary>Gets the path of the options of a recommender or a host in configuration.</summary>
    public static string PathOf(string name, bool hosted = false) => (hosted, name.Length == 0) switch
    {
        (false, true) => "Recommender",
        (false, false) => $"Recommenders:{name}",
        (true, true) => "RecommenderHost",
        (true, false) => $"RecommenderHosts:{name}",
    };

    /// <summary>Gets the key of a scorer or recommender that belongs to a recommender.</summary>
    public static string PartKey(string name, string part) => $"minionerec:{part}:{name}";

    /// <summary>Registers a recommender: its options, its services, and its loading when the host starts.</summary>
    public static MiniOneRecBuilder Add(MiniOneRecBuilder builder, string name, string folder, Action<RecommenderOptions>? configure)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        builder.AddOptions(PathOf(name), configure, name: name, otherKeys: [FolderKey]).AddValidators(new RecommenderOptionsValidator());
        return new RecommenderRegistration(name, folder, Hosted: false).Add<GenerativeRecommender>(builder);
    }

    /// <summary>Registers a host: its options and those of its recommenders, its services, and its first loading when the application's
    /// host starts.</summary>
    public static MiniOneRecBuilder AddHost(
        MiniOneRecBuilder builder, string name, string folder, Action<RecommenderHostOptions>? configure,
        Action<RecommenderOptions>? configureRecommender)
    {
        ArgumentNullException.ThrowIfNull(builder);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string path = PathOf(name, hosted: true);
        builder.AddOptions(path, configure, (options, shared) => options.Device = shared.Device, name, FolderKey)
            .AddValidators(new RecommenderHostOptionsValidator())
            .AddOptions($"{path}:Recommender", configureRecommender, name: name)
            .AddValidators(new RecommenderOptionsValidator());
        return new RecommenderRegistration(name, folder, Hosted: true).Add<RecommenderHost>(builder);
    }

    /// <summary>Gets the folder that a section names.</summary>
    public static string FolderOf(IConfiguration configuration)
    {
        string path = configuration is IConfigurationSection section ? section.Path + ":" : "";
        return configuration[FolderKey] is { Length: > 0 } folder
            ? folder
            : throw new InvalidOperationException(
                $"Configuration has no key '{path}{FolderKey}'; expected the folder of a saved recommender.");
    }

    private MiniOneRecBuilder Add<TService>(MiniOneRecBuilder builder)
        where TService : class, IRecommender
    {
        var services = builder.Services;
        var earlier = services.Select(service => service is { IsKeyedService: false }
            ? service.ImplementationInstance as RecommenderRegistration : null)
            .FirstOrDefault(registration => registration?.Name == Name);
        string with = Hosted ? "AddRecommenderHost(name, folder)" : "AddRecommender(name, folder)";
        if (earlier is not null)
        {
            return earlier == this ? builder : throw new InvalidOperationException(
                $"{(Name.Length == 0 ? "A recommender" : $"A recommender named '{Name}'")} is registered already, "
                + $"{(earlier.Hosted ? "in a host " : "")}from '{earlier.Folder}'; "
                + $"'{Folder}' needs {(Name.Length == 0 ? "a name: " + with : "another name")}.");
        }

        if (Name.Length == 0 && services.FirstOrDefault(service => service is { IsKeyedService: false }
            && service.ServiceType == typeof(IRecommender)) is { } own)
        {
            string what = (own.ImplementationType ?? own.ImplementationInstance?.GetType())?.Name ?? "a factory";
            throw new InvalidOperationException(
                $"The application registers {what} as IRecommender already; give the recommender of '{Folder}' a name: {with}.");
        }

        services.AddSingleton(this);
        services.AddRegistries();
        services.TryAddSingleton<RecommenderLoader>();
        services.TryAddEnumerable(ServiceDescriptor.Singleton<IHostedService, RecommenderStart>());
        if (Name.Length == 0)
        {
            services.TryAddSingleton(provider => provider.GetRequiredService<RecommenderLoader>().Get<TService>(Name));
            services.AddSingleton<IRecommender>(provider => provider.GetRequiredService<TService>());
        }
        else
        {
            services.AddKeyedSingleton(Name, (provider, _) => provider.GetRequiredService<RecommenderLoader>().Get<TService>(Name));
            services.AddKeyedSingleton<IRecommender>(Name, (provider, _) => provider.GetRequiredKeyedService<TService>(Name));
        }

        return builder;
    }
}
