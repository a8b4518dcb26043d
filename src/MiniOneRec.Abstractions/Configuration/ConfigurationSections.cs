using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace MiniOneRec;

/// <summary>Which configuration the application gave, and which sections of it are read; one per service collection.</summary>
internal sealed class ConfigurationSections
{
    private readonly List<(string Path, IConfiguration Configuration)> _given = [];
    private readonly HashSet<string> _read = new(StringComparer.OrdinalIgnoreCase);
    private readonly HashSet<(Type Options, string Name)> _bound = [];

    /// <summary>Gets the sections that packages read, so that a key of none of them can be refused.</summary>
    public static IReadOnlyDictionary<string, string> ReadBy { get; } = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase)
    {
        ["Tokenization"] = "AddTokenization",
        ["Modeling"] = "AddModeling",
        ["Recommender"] = "AddRecommender",
        ["Recommenders"] = "AddRecommender with a name",
        ["RecommenderHost"] = "AddRecommenderHost",
        ["RecommenderHosts"] = "AddRecommenderHost with a name",
        ["Serving"] = "AddMiniOneRecServing",
        ["Alignment"] = "AddAlignment",
        ["Reinforcement"] = "AddReinforcement",
        ["Evaluation"] = "AddEvaluation",
        ["SasRec"] = "AddSasRec",
        ["Gru4Rec"] = "AddGru4Rec",
        ["Caser"] = "AddCaser",
    };

    /// <summary>Gets the sections of an application's services, made when first asked for.</summary>
    public static ConfigurationSections Of(IServiceCollection services)
    {
        if (services.FirstOrDefault(service =>
            service.ServiceType == typeof(ConfigurationSections))?.ImplementationInstance is not ConfigurationSections sections)
        {
            services.AddSingleton(sections = new ConfigurationSections());
        }

        return sections;
    }

    /// <summary>Adds configuration that is bound at a path and below it.</summary>
    public void Give(string path, IConfiguration configuration) => _given.Add((path, configuration));

    /// <summary>Notes that a path is read, and keys below it.</summary>
    public void Read(string path, IEnumerable<string> keys)
    {
        _read.Add(path);
        _read.UnionWith(keys.Select(key => $"{path}:{key}"));
    }

    /// <summary>Gets whether a path is read itself, not only paths below it.</summary>
    public bool IsRead(string path) => _read.Contains(path);

    /// <summary>Returns whether these options are bound for the first time.</summary>
    public bool Bind(Type options, string name) => _bound.Add((options, name));

    /// <summary>Gets the configuration of a path, in the order in which it was given.</summary>
    public IEnumerable<IConfiguration> At(string path)
    {
        foreach (var (start, configuration) in _given)
        {
            if (start.Equals(path, StringComparison.OrdinalIgnoreCase))
            {
                yield return configuration;
            }
            else if (start.Length == 0)
            {
                yield return configuration.GetSection(path);
            }
            else if (path.StartsWith(start + ":", StringComparison.OrdinalIgnoreCase))
            {
                yield return configuration.GetSection(path[(start.Length + 1)..]);
            }
        }
    }

    /// <summary>Gets the names of the sections directly below a path that have readers of their own.</summary>
    public IReadOnlyCollection<string> Below(string path) =>
    [
        .. _read.Where(read => path.Length == 0 ? read.Length > 0 : read.StartsWith(path + ":", StringComparison.OrdinalIgnoreCase))
            .Select(read => read[(path.Length == 0 ? 0 : path.Length + 1)..].Split(':')[0])
            .Distinct(StringComparer.OrdinalIgnoreCase),
    ];
}
