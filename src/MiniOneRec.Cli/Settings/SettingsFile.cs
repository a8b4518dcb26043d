using System.Text.Json;
using System.Text.Json.Schema;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Microsoft.Extensions.Configuration;
using MiniOneRec.Recipes;

namespace MiniOneRec.Cli.Settings;

/// <summary>Reads and writes <c>minionerec.json</c>: the file, then environment variables, then options of the command line, each above the
/// one before.</summary>
internal static class SettingsFile
{
    /// <summary>The file that is read where none is named.</summary>
    public const string DefaultName = "minionerec.json";

    /// <summary>What environment variables start with, for example <c>MINIONEREC__Recipe__Seed</c>.</summary>
    public const string Environment = "MINIONEREC__";

    private static readonly string[] Sections = [nameof(RunSettings.Data), nameof(RunSettings.Source), nameof(RunSettings.Preparation),
        nameof(RunSettings.Preset), nameof(RunSettings.Recipe), nameof(RunSettings.Encoder), "$schema"];

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        TypeInfoResolver = new DefaultJsonTypeInfoResolver(), WriteIndented = true, NewLine = "\n",
            DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
            Converters = { new JsonStringEnumConverter() },
    };

    /// <summary>Reads the settings.</summary>
    /// <param name="path">The file, or <see langword="null"/> for <see cref="DefaultName"/> in the working folder where it exists.</param>
    /// <param name="given">Settings of the command line by key, for example <c>Recipe:Seed</c>; <see langword="null"/> where an option was
    /// not given.</param>
    /// <exception cref="FileNotFoundException">The named file does not exist.</exception>
    /// <exception cref="InvalidDataException">The file is no JSON.</exception>
    /// <exception cref="ArgumentException">A setting is unknown or has a wrong value; the message names its key.</exception>
    public static RunSettings Read(string? path, IEnumerable<KeyValuePair<string, string?>> given)
    {
        if (path is not null && !File.Exists(path))
        {
            throw new FileNotFoundException($"There is no settings file '{path}'.", path);
        }

        path ??= File.Exists(DefaultName) ? DefaultName : null;
        var builder = new ConfigurationBuilder();
        if (path is not null)
        {
            builder.AddJsonFile(Path.GetFullPath(path), optional: false);
        }

        builder.AddEnvironmentVariables(Environment).AddInMemoryCollection(given.Where(pair => pair.Value is not null));
        try
        {
            return Bind(builder.Build());
        }
        catch (InvalidDataException e)
        {
            throw new InvalidDataException($"Settings file '{path}': {e.InnerException?.Message ?? e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new ArgumentException($"Settings{(path is null ? "" : $" ('{path}', environment or command line)")}: {Reason(e)}", e);
        }
    }

    /// <summary>Writes the settings with full paths, so that the file alone repeats the run.</summary>
    /// <param name="settings">The settings.</param>
    /// <param name="path">The file, replaced.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    public static Task WriteAsync(RunSettings settings, string path, CancellationToken cancellationToken) =>
        AtomicFile.WriteTextAsync(path, ToJson(settings), cancellationToken);

    /// <summary>Writes the settings as JSON with full paths.</summary>
    public static string ToJson(RunSettings settings) => JsonSerializer.Serialize(settings.Absolute(), Json) + "\n";

    /// <summary>Makes the JSON schema of the file, for editors.</summary>
    public static string Schema()
    {
        var schema = Json.GetJsonSchemaAsNode(typeof(RunSettings),
            new JsonSchemaExporterOptions { TreatNullObliviousAsNonNullable = false }).AsObject();
        schema["$schema"] = "https://json-schema.org/draft/2020-12/schema";
        schema["title"] = "Settings of minionerec";
        return schema.ToJsonString(Json) + "\n";
    }

    private static RunSettings Bind(IConfigurationRoot configuration)
    {
        if (configuration.GetChildren()
            .FirstOrDefault(section => !Sections.Contains(section.Key, StringComparer.OrdinalIgnoreCase)) is { } unknown)
        {
            throw new InvalidOperationException($"'{unknown.Key}' is no setting; expected {string.Join(", ", Sections[..^1])}.");
        }

        var settings = new RunSettings();
        if (configuration[nameof(RunSettings.Preset)] is { } name)
        {
            settings.Preset = name;
        }

        settings.Encoder = configuration[nameof(RunSettings.Encoder)];
        settings.Recipe.Preset = RecipePreset.Named(settings.Preset);
        configuration.GetSection(nameof(RunSettings.Data)).Bind(settings.Data, options => options.ErrorOnUnknownConfiguration = true);
        configuration.GetSection(nameof(RunSettings.Source)).Bind(settings.Source, options => options.ErrorOnUnknownConfiguration = true);
        configuration.GetSection(nameof(RunSettings.Preparation))
            .Bind(settings.Preparation, options => options.ErrorOnUnknownConfiguration = true);
        configuration.GetSection(nameof(RunSettings.Recipe)).Bind(settings.Recipe, options => options.ErrorOnUnknownConfiguration = true);
        return settings is { Encoder: { } encoder, Recipe.Embeddings: { } vectors }
            ? throw new InvalidOperationException(
                $"Encoder is '{encoder}' and Recipe:Embeddings '{vectors}': vectors that are there need no encoder. Give one of them.")
            : settings;
    }

    private static string Reason(Exception e) => e.InnerException is { } inner && inner.Message.Length > 0
        && e.Message.StartsWith("Failed to convert", StringComparison.Ordinal)
        ? $"{e.Message} {inner.Message}"
        : e.Message;
}
