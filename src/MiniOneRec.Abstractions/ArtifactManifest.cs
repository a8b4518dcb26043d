using System.Diagnostics.CodeAnalysis;
using System.Reflection;
using System.Security.Cryptography;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>The small record that lies beside every artifact: what it is, what made it, what it was made from, and the hashes of its
/// files.</summary>
/// <remarks>
/// The manifest ends in a checksum of itself, so that a change of any bit is noticed. Manifests of version 0.1 have neither checksum nor
/// file hashes and are read without these checks. <see cref="ArtifactFolder"/> writes and reads a folder with its manifest as one.
/// </remarks>
public sealed partial record ArtifactManifest
{
    /// <summary>The format version that this library writes and the newest that it reads.</summary>
    public const int CurrentFormatVersion = 1;

    /// <summary>Larger manifests are refused before they are read.</summary>
    public const long MaxBytes = 256L << 20;

    private const string ChecksumKey = "checksum";
    private static readonly JsonSerializerOptions Json = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true, IndentSize = 2, TypeInfoResolver = MiniOneRecJsonContext.WithReflection(MiniOneRecJsonContext.Default),
    };

    private static readonly JsonSerializerOptions JsonWithoutNulls = new(Json) { RespectNullableAnnotations = true };
    private static readonly string NoChecksum = new('0', 2 * SHA256.HashSizeInBytes);

    /// <summary>Gets the version of the format.</summary>
    public int FormatVersion { get; init; } = CurrentFormatVersion;

    /// <summary>Gets the kind of the artifact, for example <c>rq-vae</c> or <c>model</c>.</summary>
    public required string Kind { get; init; }

    /// <summary>Gets the version of the library that wrote it.</summary>
    public string LibraryVersion { get; init; } =
        typeof(ArtifactManifest).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion.Split('+')[0]
            ?? "0.0.0";

    /// <summary>Gets the fingerprints of what it was made from, by name, for example <c>index</c>.</summary>
    public IReadOnlyDictionary<string, string> MadeFrom { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets the options of the stage that made it.</summary>
    public JsonObject Options { get; init; } = [];

    /// <summary>Gets the SHA-256 of every file of the artifact by relative path with slashes, without the manifest; empty where
    /// unknown.</summary>
    public IReadOnlyDictionary<string, string> Files { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets why the manifest is not the one that was written, or <see langword="null"/>.</summary>
    [JsonIgnore]
    internal string? Damage { get; private init; }

    /// <summary>Gets the file that the manifest was read from, for messages.</summary>
    [JsonIgnore]
    internal string? Source { get; private init; }

    /// <summary>Writes the manifest aside and renames it.</summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) =>
        AtomicFile.WriteAsync(path, stream => stream.WriteAsync(ToBytes(), cancellationToken).AsTask(), cancellationToken);

    /// <summary>Computes the SHA-256 of a file, in hexadecimal.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async Task<string> HashFileAsync(string path, CancellationToken cancellationToken = default)
    {
        var stream =
            new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete, 1 << 20, FileOptions.SequentialScan);
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
    /// <exception cref="InvalidDataException">A value has another type; the message names file and key.</exception>
    [RequiresUnreferencedCode("Serializes options of any class by reflection.")]
    [RequiresDynamicCode("Serializes options of any class by reflection.")]
    public T OptionsAs<T>()
    {
        try
        {
            return Options.Deserialize<T>(JsonWithoutNulls)!;
        }
        catch (Exception e) when (
            e is JsonException or InvalidOperationException or NotSupportedException or ArgumentException or OverflowException)
        {
            string where = Source is null ? "The manifest's" : $"Manifest '{Source}': the";
            string key = e is JsonException { Path: { } at } ? $" Key 'options{at.TrimStart('$')}'." : "";
            throw new InvalidDataException($"{where} options of kind '{Kind}' are no {typeof(T).Name}: {e.Message}{key}", e);
        }
    }

    private byte[] ToBytes()
    {
        var json = JsonSerializer.SerializeToNode(this, Json)!.AsObject();
        if (Files.Count == 0)
        {
            json.Remove("files");
        }

        json[ChecksumKey] = NoChecksum;
        byte[] bytes = JsonSerializer.SerializeToUtf8Bytes(json, Json);
        int at = bytes.AsSpan().LastIndexOf(System.Text.Encoding.ASCII.GetBytes(NoChecksum));
        System.Text.Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(bytes)), bytes.AsSpan(at));
        return bytes;
    }
}
