using System.ComponentModel;
using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using Microsoft.Extensions.Configuration;

namespace MiniOneRec;

/// <summary>Compares the keys of a configuration section with the properties of an options class.</summary>
[RequiresUnreferencedCode("Reads the properties of options classes by reflection.")]
internal sealed class ConfigurationCheck
{
    private readonly List<string> _failures = [];
    private readonly List<string> _oldNames = [];

    /// <summary>Gets the failures, one sentence per key.</summary>
    public IReadOnlyList<string> Failures => _failures;

    /// <summary>Gets the keys that were renamed, one sentence each.</summary>
    public IReadOnlyList<string> OldNames => _oldNames;

    /// <summary>Checks a section and the sections within it.</summary>
    /// <param name="section">The section.</param>
    /// <param name="type">The options class that it is bound to.</param>
    /// <param name="sections">Names of sections within it that are bound to classes of their own.</param>
    public void Check(IConfiguration section, Type type, IReadOnlyCollection<string> sections)
    {
        foreach (var child in section.GetChildren())
        {
            if (sections.Contains(child.Key, StringComparer.OrdinalIgnoreCase))
            {
                continue;
            }

            var property = PropertiesOf(type)
                .FirstOrDefault(candidate => NameOf(candidate).Equals(child.Key, StringComparison.OrdinalIgnoreCase));
            if (property is null)
            {
                _failures.Add(Unknown(child, type, sections));
                continue;
            }

            if (property.GetCustomAttribute<OldNameAttribute>() is { NewName: var newName })
            {
                NoteOldName(section, child, newName);
            }

            CheckValue(child, property.PropertyType);
        }
    }

    private void NoteOldName(IConfiguration section, IConfigurationSection child, string newName)
    {
        var renamed = section.GetSection(newName);
        if (renamed.Exists())
        {
            _failures.Add($"Configuration has both '{child.Path}' and '{renamed.Path}', its new name; remove '{child.Path}'.");
        }
        else
        {
            _oldNames.Add($"'{child.Path}' is now called '{renamed.Path}'; the old name is read for one more version.");
        }
    }

    private void CheckValue(IConfigurationSection section, Type declared)
    {
        var type = Nullable.GetUnderlyingType(declared) ?? declared;
        bool hasChildren = section.GetChildren().Any();
        if (typeof(Delegate).IsAssignableFrom(type))
        {
            _failures.Add($"'{section.Path}' is code and cannot be set from configuration; set it in a delegate.");
        }
        else if (IsValue(type))
        {
            CheckConvertible(section, type, hasChildren);
        }
        else if (ElementOf(type) is { } element)
        {
            if (!hasChildren && !string.IsNullOrEmpty(section.Value))
            {
                _failures.Add($"'{section.Path}' is '{section.Value}'; expected a list.");
            }

            foreach (var item in section.GetChildren())
            {
                if (item.Value is null && !item.GetChildren().Any())
                {
                    _failures.Add($"'{item.Path}' is null; expected a value of type {element.Name}.");
                }
                else
                {
                    CheckValue(item, element);
                }
            }
        }
        else if (!hasChildren && !string.IsNullOrEmpty(section.Value))
        {
            _failures.Add($"'{section.Path}' is '{section.Value}'; expected a section of {type.Name}.");
        }
        else
        {
            Check(section, type, []);
        }
    }

    private void CheckConvertible(IConfigurationSection section, Type type, bool hasChildren)
    {
        if (hasChildren)
        {
            _failures.Add(
                $"'{section.Path}' has keys of its own, such as '{section.GetChildren().First().Path}'; "
                + $"expected one value of type {type.Name}.");
            return;
        }

        if (section.Value is not { } value || type == typeof(string))
        {
            return;
        }

        string expected = type.IsEnum ? $"one of {string.Join(", ", Enum.GetNames(type))}" : $"a value of type {type.Name}";
        try
        {
            if (TypeDescriptor.GetConverter(type).ConvertFromInvariantString(value) is null)
            {
                _failures.Add($"'{section.Path}' is '{value}'; expected {expected}.");
            }
        }
        catch (Exception e) when (e is FormatException or ArgumentException or NotSupportedException or OverflowException)
        {
            _failures.Add($"'{section.Path}' is '{value}'; expected {expected}.");
        }
    }

    private static string Unknown(IConfigurationSection child, Type type, IReadOnlyCollection<string> sections)
    {
        string[] names = [.. NamesOf(type, depth: 2), .. sections];
        string[] nearest = [.. NearestNames.Of(child.Key, names)];
        return $"'{child.Path}' is not an option of {type.Name}; the nearest known {(nearest.Length == 1 ? "name is" : "names are")} "
            + $"{string.Join(", ", nearest.Select(name => $"'{name}'"))}.";
    }

    /// <summary>Gets the names of a class's options, those of nested classes with their path.</summary>
    private static IEnumerable<string> NamesOf(Type type, int depth)
    {
        foreach (var property in PropertiesOf(type).Where(property => property.GetCustomAttribute<ObsoleteAttribute>() is null))
        {
            yield return NameOf(property);
            var inner = property.PropertyType;
            if (depth > 1 && !IsValue(Nullable.GetUnderlyingType(inner) ?? inner) && ElementOf(inner) is null
                && !typeof(Delegate).IsAssignableFrom(inner))
            {
                foreach (string name in NamesOf(inner, depth - 1))
                {
                    yield return $"{NameOf(property)}:{name}";
                }
            }
        }
    }

    private static IEnumerable<PropertyInfo> PropertiesOf(Type type) => type.GetProperties(BindingFlags.Public | BindingFlags.Instance)
        .Where(property => property.SetMethod?.IsPublic == true && property.GetMethod?.IsPublic == true
            && property.GetIndexParameters().Length == 0)
        .Where(property => NameOf(property) != ConfigurationNames.SetByCode);

    private static string NameOf(PropertyInfo property) => property.GetCustomAttribute<ConfigurationKeyNameAttribute>()?.Name
        ?? property.Name;

    private static bool IsValue(Type type) =>
        type.IsPrimitive || type.IsEnum || type == typeof(string) || type == typeof(decimal)
            || (type.IsValueType && TypeDescriptor.GetConverter(type).CanConvertFrom(typeof(string)));

    private static Type? ElementOf(Type type)
    {
        if (type.IsArray)
        {
            return type.GetElementType();
        }

        var interfaces = type.IsInterface ? type.GetInterfaces().Append(type) : type.GetInterfaces();
        var sequence = interfaces.FirstOrDefault(candidate => candidate.IsGenericType
            && candidate.GetGenericTypeDefinition() == typeof(IEnumerable<>))?.GetGenericArguments()[0];
        return sequence is { IsGenericType: true } && sequence.GetGenericTypeDefinition() == typeof(KeyValuePair<,>)
            ? sequence.GetGenericArguments()[1] : sequence;
    }
}
