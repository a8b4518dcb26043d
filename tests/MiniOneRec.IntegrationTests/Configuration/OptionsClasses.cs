using System.Collections;
using System.Reflection;
using System.Text;
using Microsoft.Extensions.Configuration;

namespace MiniOneRec.IntegrationTests;

/// <summary>The options classes of all packages, found by reflection, so that one that is added later is tested too.</summary>
internal static class OptionsClasses
{
    private static readonly string[] Assemblies =
        ["Abstractions", "Alignment", "Baselines", "Datasets", "Evaluation", "Modeling", "Recipes", "Reinforcement", "Tokenization",
            "Training"];

    /// <summary>Gets the classes that configuration can be bound to.</summary>
    public static IReadOnlyList<Type> All { get; } =
    [
        .. Assemblies.SelectMany(name => Assembly.Load("MiniOneRec." + name).GetExportedTypes())
            .Where(type => type is { IsClass: true, IsAbstract: false } && type.Name.EndsWith("Options", StringComparison.Ordinal)
                && type.GetConstructor([]) is not null)
            .OrderBy(type => type.FullName, StringComparer.Ordinal),
    ];

    /// <summary>Gets the properties of a class that hold lists, sets or dictionaries, without their twins for configuration.</summary>
    public static IEnumerable<PropertyInfo> CollectionsOf(Type type) => type.GetProperties().Where(property =>
        property.PropertyType != typeof(string) && property.SetMethod is not null
            && typeof(IEnumerable).IsAssignableFrom(property.PropertyType)
        && !property.Name.EndsWith("FromConfiguration", StringComparison.Ordinal)
            && IsBindable(property.PropertyType.GetGenericArguments().LastOrDefault()));

    // Objects of the library that only code can make, such as loaders, do not come from configuration.
    private static bool IsBindable(Type? element) =>
        element is null || element.Namespace?.StartsWith("MiniOneRec", StringComparison.Ordinal) != true || element.IsEnum
            || element.GetConstructor([]) is not null;

    /// <summary>Reads JSON as an application reads its appsettings.</summary>
    public static IConfigurationRoot Json(string json) =>
        new ConfigurationBuilder().AddJsonStream(new MemoryStream(Encoding.UTF8.GetBytes(json))).Build();
}
