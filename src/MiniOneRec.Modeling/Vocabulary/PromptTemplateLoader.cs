using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <summary>Makes saved prompt templates of one name again. An application registers one for each template of its own.</summary>
public sealed class PromptTemplateLoader
{
    private readonly Func<JsonObject, string, ILogger?, CancellationToken, Task<IPromptTemplate>> _load;

    /// <summary>Makes a loader.</summary>
    /// <param name="name">The <see cref="IPromptTemplate.Name"/> of the templates.</param>
    /// <param name="load">Makes a template from what <see cref="IPromptTemplate.Describe"/> returned.</param>
    public PromptTemplateLoader(string name, Func<JsonObject, IPromptTemplate> load)
        : this(name, (description, _, _) => Task.FromResult(load(description)))
    {
        ArgumentNullException.ThrowIfNull(load);
    }

    /// <summary>Makes a loader of templates that need files of the model folder, for example <c>tokenizer.json</c>.</summary>
    /// <param name="name">The <see cref="IPromptTemplate.Name"/> of the templates.</param>
    /// <param name="load">Makes a template from what <see cref="IPromptTemplate.Describe"/> returned and the model folder.</param>
    public PromptTemplateLoader(string name, Func<JsonObject, string, CancellationToken, Task<IPromptTemplate>> load)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(load);
        (Name, _load) = (name, (description, folder, _, cancellationToken) => load(description, folder, cancellationToken));
    }

    /// <summary>Makes a loader that logs what it ignores in the files that it reads.</summary>
    internal PromptTemplateLoader(string name, Func<JsonObject, string, ILogger?, CancellationToken, Task<IPromptTemplate>> load) =>
        (Name, _load) = (name, load);

    /// <summary>Gets the name of the templates.</summary>
    public string Name { get; }

    /// <summary>Makes a template.</summary>
    /// <param name="description">What <see cref="IPromptTemplate.Describe"/> returned.</param>
    /// <param name="folder">The model folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">The description lacks a key or has another type there.</exception>
    /// <exception cref="InvalidOperationException">The loader returns nothing or a template of another name.</exception>
    public Task<IPromptTemplate> LoadAsync(JsonObject description, string folder, CancellationToken cancellationToken = default) =>
        LoadAsync(description, folder, null, cancellationToken);

    /// <summary>Makes a template, and logs what is ignored in the files that it needs.</summary>
    internal async Task<IPromptTemplate> LoadAsync(JsonObject description, string folder, ILogger? logger,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(description);
        ArgumentException.ThrowIfNullOrEmpty(folder);
        IPromptTemplate? template;
        try
        {
            template = await _load(description, folder, logger, cancellationToken).ConfigureAwait(false);
        }
        catch (Exception e) when (e is JsonException or ArgumentException or NullReferenceException or InvalidOperationException
            or KeyNotFoundException or FormatException)
        {
            throw new InvalidDataException($"Model folder '{folder}': the description of the template '{Name}' is damaged. {e.Message}", e);
        }

        return template is null ? throw new InvalidOperationException($"The loader of the template '{Name}' returned null.")
            : template.Name == Name ? template
            : throw new InvalidOperationException(
                $"The loader of the template '{Name}' returned one named '{template.Name}', "
                + "which could not be loaded again; give both one name.");
    }
}
