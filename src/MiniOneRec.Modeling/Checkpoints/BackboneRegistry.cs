using System.Collections.Concurrent;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;

namespace MiniOneRec.Modeling;

/// <summary>Finds the loader of a checkpoint folder by what its <c>config.json</c> says that it holds.</summary>
/// <remarks>
/// Own loaders come first, then those of <see cref="Default"/>, then the decoders of this library (<c>qwen2</c>, <c>qwen3</c>,
/// <c>llama</c>). The key <c>model_type</c> is looked up before <c>architectures</c>. The last loader that is registered under a name is
/// used. Safe for concurrent use.
/// </remarks>
public sealed class BackboneRegistry
{
    private static readonly string[] BuiltIn = ["llama", "qwen2", "qwen3"];
    private readonly ConcurrentDictionary<string, BackboneLoader> _own = new(StringComparer.Ordinal);

    /// <summary>Makes a registry.</summary>
    /// <param name="loaders">The application's own loaders, or <see langword="null"/> for none.</param>
    public BackboneRegistry(IEnumerable<BackboneLoader>? loaders = null)
    {
        foreach (var loader in loaders ?? [])
        {
            Register(loader);
        }
    }

    /// <summary>Gets the registry of the process, which loading uses where the caller names no other.</summary>
    public static BackboneRegistry Default { get; } = new();

    /// <summary>Gets the names that the registry knows, in order.</summary>
    public IReadOnlyList<string> Names =>
        [.. _own.Keys.Concat(Default._own.Keys).Concat(BuiltIn).Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];

    /// <summary>Adds a loader; an earlier one of the same name is replaced.</summary>
    /// <param name="loader">The loader.</param>
    /// <returns>The registry.</returns>
    public BackboneRegistry Register(BackboneLoader loader)
    {
        ArgumentNullException.ThrowIfNull(loader);
        _own[loader.ModelType] = loader;
        return this;
    }

    /// <summary>Loads the backbone of a Hugging Face folder.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">How to load it; <see langword="null"/> for the CPU and the stored type.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or no loader reads this kind of checkpoint; the message says what to
    /// register.</exception>
    public Task<CausalLanguageModel> LoadAsync(string folder, CheckpointLoadOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        cancellationToken.ThrowIfCancellationRequested();
        return TorchThread.RunAsync("MiniOneRec load", () => Load(folder, options ?? new CheckpointLoadOptions()));
    }

    /// <summary>Loads on the calling thread.</summary>
    internal CausalLanguageModel Load(string folder, CheckpointLoadOptions options)
    {
        if (!Directory.Exists(folder))
        {
            throw new DirectoryNotFoundException($"Model folder '{folder}' does not exist.");
        }

        string file = Path.Combine(folder, HuggingFaceFolder.ConfigFile);
        var config = CheckpointJson.Parse(CheckpointJson.ReadText(file), file);
        string? type = TextOf(config["model_type"]);
        string[] architectures = config["architectures"] is JsonArray array ? [.. array.Select(TextOf).OfType<string>()] : [];
        foreach (string name in type is null ? architectures : [type, .. architectures])
        {
            if ((_own.GetValueOrDefault(name) ?? Default._own.GetValueOrDefault(name)) is { } loader)
            {
                return loader.Load(new BackboneSource(folder, config, options));
            }
        }

        if (type is not null && !BuiltIn.Contains(type, StringComparer.Ordinal))
        {
            throw new InvalidDataException(
                $"'{file}': model_type is '{type}', which is not registered; expected {string.Join(", ", Names)}. "
                + "Register a backbone of your own before loading: "
                + $"BackboneRegistry.Default.Register(new BackboneLoader(\"{type}\", …)), or AddBackbone(…) in a container.");
        }

        using var opened = HuggingFaceFolder.Open(folder);
        return opened.LoadDecoder(options);
    }

    private static string? TextOf(JsonNode? node) => node is JsonValue value && value.GetValueKind() == JsonValueKind.String
        ? (string?)value : null;
}
