using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;

namespace MiniOneRec;

/// <summary>Sets the options of one class before any code of the application does: the shared settings first, then what configuration
/// says.</summary>
/// <param name="path">The path of the options within the configuration.</param>
/// <param name="name">The name of the options.</param>
/// <param name="sections">What configuration there is.</param>
/// <param name="first">Sets what the options take from elsewhere, or <see langword="null"/>.</param>
/// <param name="loggers">Receives a warning for each old name.</param>
internal sealed class ConfigurationBinding<TOptions>(
    string path, string name, ConfigurationSections sections, Action<TOptions>? first, ILoggerFactory? loggers)
    : IConfigureNamedOptions<TOptions>
    where TOptions : class
{
    private readonly ILogger _logger = loggers?.CreateLogger("MiniOneRec.Configuration") ?? NullLogger.Instance;

    /// <inheritdoc/>
    public void Configure(TOptions options) => Configure(Options.DefaultName, options);

    /// <inheritdoc/>
    public void Configure(string? name1, TOptions options)
    {
        if (name1 == name)
        {
            first?.Invoke(options);
            foreach (var section in sections.At(path))
            {
                Bind(section, options);
            }
        }
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026",
        Justification = "Configuration comes from overloads that take IConfiguration, which carry the requirement.")]
    [UnconditionalSuppressMessage("AOT", "IL3050",
        Justification = "Configuration comes from overloads that take IConfiguration, which carry the requirement.")]
    private void Bind(IConfiguration section, TOptions options)
    {
        var check = new ConfigurationCheck();
        check.Check(section, typeof(TOptions), sections.Below(path));
        if (section is IConfigurationSection { Value: { Length: > 0 } value } whole && !section.GetChildren().Any())
        {
            throw new OptionsValidationException(name, typeof(TOptions),
                [$"'{whole.Path}' is '{value}'; expected a section of {typeof(TOptions).Name}."]);
        }

        string[] failures = path.Length > 0 ? [.. check.Failures] : [.. check.Failures.Select(WithReader), .. WithoutReader(section)];
        if (failures.Length > 0)
        {
            throw new OptionsValidationException(name, typeof(TOptions), failures);
        }

        foreach (string oldName in check.OldNames)
        {
            Log.OldOptionName(_logger, oldName);
        }

        try
        {
            section.Bind(options);
        }
        catch (InvalidOperationException e)
        {
            throw new OptionsValidationException(name, typeof(TOptions), [e.Message]);
        }
    }

    /// <summary>Finds keys of sections that only hold other sections.</summary>
    private IEnumerable<string> WithoutReader(IConfiguration root) =>
        from container in sections.Below("").Where(name => !sections.IsRead(name))
        from child in root.GetSection(container).GetChildren()
        where !sections.Below(container).Contains(child.Key, StringComparer.OrdinalIgnoreCase)
        let known = string.Join(", ", sections.Below(container).Select(name => $"'{name}'"))
        select $"'{child.Path}' is read by nothing; '{container}' has {known}.";

    /// <summary>Adds to the message about a section of a package the call that would read it.</summary>
    private static string WithReader(string failure)
    {
        string key = failure.Split('\'')[1];
        return ConfigurationSections.ReadBy.TryGetValue(key[(key.LastIndexOf(':') + 1)..], out string? reader)
            ? $"'{key}' is read by nothing in this application; call {reader} or remove the section."
            : failure;
    }
}
