using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>The small record that lies beside every artifact: what it is, what made it, and what it was made from.</summary>
public sealed record ArtifactManifest
{
    /// <summary>The format version that this library writes and the newest that it reads.</summary>
    public const int CurrentFormatVersion = 1;

    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, IndentSize = 2, TypeInfoResolver = MiniOneRecJsonContext.WithReflection(MiniOneRecJsonContext.Default),
    };

    /// <summary>Gets the version of the format.</summary>
    public int FormatVersion { get; init; } = CurrentFormatVersion;

    /// <summary>Gets what the artifact is, for example <c>rq-vae</c> or <c>model</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Gets the version of the library that wrote it.</summary>
    public string LibraryVersion { get; init; } =
        typeof(ArtifactManifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0] ?? "0.0.0";

    /// <summary>Gets the fingerprints of what it was made from, by name, for example <c>index</c>.</summary>
    public IReadOnlyDictionary<string, string> MadeFrom { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets the options of the stage that made it.</summary>
    public JsonObject Options { get; init; } = [];

    /// <summary>Reads a manifest.</summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="expectedKind">The kind that the caller can use, or <see langword="null"/> for any.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is no manifest, of a newer format, or of another kind.</exception>
    public static async Task<ArtifactManifest> LoadAsync(string path, string? expectedKind = null, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Manifest '{path}' does not exist.", path);
        }

        ArtifactManifest? manifest;
        try
        {
            manifest = JsonSerializer.Deserialize<ArtifactManifest>(await File.ReadAllBytesAsync(path, cancellationToken).ConfigureAwait(false), Json);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Manifest '{path}', line {e.LineNumber + 1}: {e.Message}", e);
        }

        if (manifest is null || manifest.FormatVersion is < 1 or > CurrentFormatVersion)
        {
            throw new InvalidDataException($"Manifest '{path}': format version {manifest?.FormatVersion}; this library reads 1 to {CurrentFormatVersion}.");
        }

        if (expectedKind is not null && manifest.Kind != expectedKind)
        {
            throw new InvalidDataException($"Manifest '{path}': kind '{manifest.Kind}'; expected '{expectedKind}'.");
        }

        return manifest;
    }

    /// <summary>Writes the manifest aside and renames it.</summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        AtomicFile.WriteAsync(path, stream => JsonSerializer.SerializeAsync(stream, this, Json, cancellationToken), cancellationToken);

    /// <summary>Computes the SHA-256 of a file, in hexadecimal.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async Task<string> HashFileAsync(string path, CancellationToken cancellationToken = default)
    {
        var stream = File.OpenRead(path);
        await using (stream.ConfigureAwait(false))
        {
            return Convert.ToHexStringLower(await SHA256.HashDataAsync(stream, cancellationToken).ConfigureAwait(false));
        }
    }

    /// <summary>Turns an options object into the manifest's form.</summary>
    /// <param name="options">Any options class.</param>
    [RequiresUnreferencedCode("Serializes options of any class by reflection.")]
    [RequiresDynamicCode("Serializes options of any class by reflection.")]
    public static JsonObject ToOptions<T>(T options) => JsonSerializer.SerializeToNode(options, Json)!.AsObject();

    /// <summary>Turns the manifest's options back into an options object.</summary>
    /// <exception cref="InvalidDataException">A value has another type.</exception>
    [RequiresUnreferencedCode("Serializes options of any class by reflection.")]
    [RequiresDynamicCode("Serializes options of any class by reflection.")]
    public T OptionsAs<T>()
    {
        try
        {
            return Options.Deserialize<T>(Json)!;
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"The manifest's options of kind '{Kind}' are no {typeof(T).Name}: {e.Message}", e);
        }
    }
}
