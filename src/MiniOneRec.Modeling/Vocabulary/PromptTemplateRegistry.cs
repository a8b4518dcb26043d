using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <summary>Finds the loader of a saved prompt template by its name.</summary>
/// <remarks>
/// A registry knows its own loaders, then those of <see cref="Default"/>, then <c>compact</c>, and <c>alpaca</c> and <c>chat</c> where the
/// application references the package MiniOneRec.Pretrained. The last loader that is registered under a name is used. Safe for concurrent
/// use.
/// </remarks>
public sealed class PromptTemplateRegistry
{
    private readonly ConcurrentDictionary<string, PromptTemplateLoader> _own = new(StringComparer.Ordinal);

    /// <summary>Makes a registry.</summary>
    /// <param name="loaders">The application's own loaders, or <see langword="null"/> for none.</param>
    public PromptTemplateRegistry(IEnumerable<PromptTemplateLoader>? loaders = null)
    {
        foreach (var loader in loaders ?? [])
        {
            Register(loader);
        }
    }

    /// <summary>Gets the registry of the process, which loading uses where the caller names no other.</summary>
    public static PromptTemplateRegistry Default { get; } = new();

    /// <summary>Gets the names that the registry knows, in order.</summary>
    public IReadOnlyList<string> Names =>
        [.. _own.Keys.Concat(Default._own.Keys).Concat(BuiltInTemplates.Names).Distinct(StringComparer.Ordinal)
            .Order(StringComparer.Ordinal)];

    /// <summary>Adds a loader; an earlier one of the same name is replaced.</summary>
    /// <param name="loader">The loader.</param>
    /// <returns>The registry.</returns>
    public PromptTemplateRegistry Register(PromptTemplateLoader loader)
    {
        ArgumentNullException.ThrowIfNull(loader);
        _own[loader.Name] = loader;
        return this;
    }

    /// <summary>Gets whether a template of a name can be loaded.</summary>
    /// <param name="name">The name.</param>
    public bool Knows(string name) => Find(name) is not null;

    /// <summary>Makes a template from what a model folder records.</summary>
    /// <param name="description">What <see cref="IPromptTemplate.Describe"/> returned.</param>
    /// <param name="folder">The model folder, for templates that need files in it.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">No loader has the template's name, or the description is damaged; the message says what to
    /// register.</exception>
    public Task<IPromptTemplate> CreateAsync(JsonObject description, string folder, CancellationToken cancellationToken = default) =>
        CreateAsync(description, folder, null, cancellationToken);

    /// <summary>Makes a template, and logs what is ignored in the files that it needs.</summary>
    internal Task<IPromptTemplate> CreateAsync(JsonObject description, string folder, ILogger? logger, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        string name = description["name"] is JsonValue value && value.GetValueKind() == JsonValueKind.String ? (string)value!
            : throw new InvalidDataException($"Model folder '{folder}': the description of the template has no text under 'name'.");
        var loader = Find(name) ?? throw new InvalidDataException(PretrainedPackage.HasTemplate(name)
                ? $"Model folder '{folder}' was saved with the template '{name}', "
                + $"which comes with the package {PretrainedPackage.Name}, and the application "
            + $"does not reference it. Reference it: dotnet add package {PretrainedPackage.Name}."
                : $"Model folder '{folder}' was saved with the template '{name}', which is not registered; "
                + $"known are {string.Join(", ", Names)}. Register it before loading: "
            + $"PromptTemplateRegistry.Default.Register(new PromptTemplateLoader(\"{name}\", …)), or AddPromptTemplate(…) in a container.");
        return loader.LoadAsync(description, folder, logger, cancellationToken);
    }

    private PromptTemplateLoader? Find(string name) =>
        _own.GetValueOrDefault(name) ?? Default._own.GetValueOrDefault(name) ?? BuiltInTemplates.Find(name);
}
