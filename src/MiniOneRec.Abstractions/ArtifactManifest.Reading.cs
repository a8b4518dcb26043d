using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Unicode;

namespace MiniOneRec;

/// <content>The reader: every fault of a manifest is an <see cref="InvalidDataException"/> that names file and key.</content>
public sealed partial record ArtifactManifest
{
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    /// <summary>Reads a manifest.</summary>
    /// <param name="path">The JSON file.</param>
    /// <param name="expectedKind">The kind that the caller can use, or <see langword="null"/> for any.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is no manifest, of a newer format, of another kind, too large, or was changed after
    /// it was written.</exception>
    public static async Task<ArtifactManifest> LoadAsync(string path, string? expectedKind = null,
        CancellationToken cancellationToken = default)
    {
        var manifest = await ReadAsync(path, expectedKind, cancellationToken).ConfigureAwait(false);
        return manifest.Damage is { } damage && ArtifactFolder.Verifies ? throw new InvalidDataException(damage) : manifest;
    }

    /// <summary>Reads a manifest and leaves it to the caller to look at <see cref="Damage"/>.</summary>
    internal static async Task<ArtifactManifest> ReadAsync(string path, string? expectedKind, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Manifest '{path}' does not exist.", path);
        }

        byte[] bytes;
        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read | FileShare.Delete);
        await using (stream.ConfigureAwait(false))
        {
            if (stream.Length > MaxBytes)
            {
                throw new InvalidDataException($"Manifest '{path}' is {stream.Length} bytes long; manifests end at {MaxBytes}.");
            }

            bytes = new byte[stream.Length];
            await stream.ReadExactlyAsync(bytes, cancellationToken).ConfigureAwait(false);
        }

        var manifest = Parse(path, bytes);
        return expectedKind is null || manifest.Kind == expectedKind
            ? manifest
            : throw new InvalidDataException($"Manifest '{path}': kind '{manifest.Kind}'; expected '{expectedKind}'.");
    }

    internal static ArtifactManifest Parse(string path, byte[] bytes)
    {
        var json = bytes.AsSpan();
        json = json.StartsWith(Encoding.UTF8.Preamble) ? json[Encoding.UTF8.Preamble.Length..] : json;
        if (!Utf8.IsValid(json))
        {
            throw new InvalidDataException($"Manifest '{path}' is no valid UTF-8.");
        }

        JsonDocument document;
        try
        {
            document = JsonDocument.Parse(bytes.AsMemory(bytes.Length - json.Length), Strict);
        }
        catch (JsonException e)
        {
            throw new InvalidDataException($"Manifest '{path}'{(e.LineNumber is { } line ? $", line {line + 1}" : "")}: {e.Message}", e);
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException($"Manifest '{path}', a key: the text is not valid Unicode.", e);
        }

        using (document)
        {
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object)
            {
                throw new InvalidDataException($"Manifest '{path}' holds {NameOf(root)}; expected a JSON object.");
            }

            CheckText(path, root, "");
            var version = Find(root, "formatVersion");
            int format = version is not { } number ? CurrentFormatVersion
                : number.ValueKind == JsonValueKind.Number && number.TryGetInt32(out int value) ? value
                : throw Bad(path, "formatVersion", number, "an integer");
            if (format is < 1 or > CurrentFormatVersion)
            {
                throw new InvalidDataException(
                    $"Manifest '{path}': format version {format}; this library reads 1 to {CurrentFormatVersion}.");
            }

            string kind = Text(path, root, "kind") ?? throw new InvalidDataException($"Manifest '{path}': key 'kind' is missing.");
            var files = Table(path, root, "files");
            return new ArtifactManifest
            {
                FormatVersion = format,
                Kind = kind,
                LibraryVersion = Text(path, root, "libraryVersion") ?? "",
                MadeFrom = Table(path, root, "madeFrom"),
                Options = Find(root, "options") is not { } options ? []
                    : options.ValueKind == JsonValueKind.Object ? JsonObject.Create(options.Clone())!
                        : throw Bad(path, "options", options, "an object"),
                Files = files.Keys.FirstOrDefault(name => !IsInside(name)) is { } outside
                    ? throw new InvalidDataException($"Manifest '{path}': key 'files' names '{outside}', which is not inside the artifact.")
                    : files,
                Damage = DamageOf(path, bytes, Text(path, root, ChecksumKey), files.Count > 0),
                Source = path,
            };
        }
    }

    /// <summary>Compares the checksum with the bytes in which it is replaced by zeros.</summary>
    private static string? DamageOf(string path, byte[] bytes, string? checksum, bool needed)
    {
        if (checksum is null)
        {
            return needed ? $"Manifest '{path}' lists files but has no checksum: it was changed after it was written." : null;
        }

        byte[] written = Encoding.UTF8.GetBytes(checksum);
        int at = written.Length == NoChecksum.Length ? bytes.AsSpan().LastIndexOf(written) : -1;
        if (at >= 0)
        {
            byte[] zeroed = [.. bytes];
            zeroed.AsSpan(at, written.Length).Fill((byte)'0');
            if (Convert.ToHexStringLower(SHA256.HashData(zeroed)) == checksum)
            {
                return null;
            }
        }

        return $"Manifest '{path}' was changed after it was written: its checksum does not fit. "
            + "Save the artifact again, or restore the file.";
    }

    // Text is decoded when it is asked for; faults are found here instead, where the key is known.
    private static void CheckText(string path, JsonElement element, string at)
    {
        try
        {
            if (element.ValueKind == JsonValueKind.Object)
            {
                foreach (var property in element.EnumerateObject())
                {
                    CheckText(path, property.Value, at.Length == 0 ? property.Name : $"{at}.{property.Name}");
                }
            }
            else if (element.ValueKind == JsonValueKind.Array)
            {
                foreach (var item in element.EnumerateArray())
                {
                    CheckText(path, item, at);
                }
            }
            else if (element.ValueKind == JsonValueKind.String)
            {
                element.GetString();
            }
        }
        catch (InvalidOperationException e)
        {
            throw new InvalidDataException(
                $"Manifest '{path}', {(at.Length == 0 ? "a key" : $"key '{at}'")}: the text is not valid Unicode.", e);
        }
    }

    private static JsonElement? Find(JsonElement root, string key)
    {
        foreach (var property in root.EnumerateObject())
        {
            if (property.Name.Equals(key, StringComparison.OrdinalIgnoreCase))
            {
                return property.Value;
            }
        }

        return null;
    }

    private static string? Text(string path, JsonElement root, string key) => Find(root, key) is not { } element ? null
        : element.ValueKind == JsonValueKind.String ? element.GetString() : throw Bad(path, key, element, "a string");

    private static Dictionary<string, string> Table(string path, JsonElement root, string key)
    {
        var table = new Dictionary<string, string>(StringComparer.Ordinal);
        if (Find(root, key) is { } element)
        {
            if (element.ValueKind != JsonValueKind.Object)
            {
                throw Bad(path, key, element, "an object of strings");
            }

            foreach (var property in element.EnumerateObject())
            {
                table[property.Name] = property.Value.ValueKind == JsonValueKind.String
                    ? property.Value.GetString()!
                    : throw Bad(path, $"{key}.{property.Name}", property.Value, "a string");
            }
        }

        return table;
    }

    private static bool IsInside(string name) => !Path.IsPathRooted(name) && !name.Contains('\\', StringComparison.Ordinal)
        && name.Split('/').All(part => part.Length > 0 && part is not ("." or ".."));

    private static InvalidDataException Bad(string path, string key, JsonElement element, string expected) =>
        new($"Manifest '{path}': key '{key}' is {NameOf(element)}; expected {expected}.");

    private static string NameOf(JsonElement element) => element.ValueKind switch
    {
        JsonValueKind.Null => "null",
        JsonValueKind.Object => "an object",
        JsonValueKind.Array => "an array",
        JsonValueKind.String => "a string",
        JsonValueKind.Number => element.GetRawText() is { Length: <= 40 } text ? text : "a number",
        _ => "a Boolean",
    };
}
