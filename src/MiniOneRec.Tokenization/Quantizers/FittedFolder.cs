using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>A fitted thing as a folder: one safetensors file, and a manifest with its options and the file's hash.</summary>
internal static class FittedFolder
{
    private const string WeightsFile = "quantizer.safetensors";
    private const string ManifestFile = "manifest.json";

    /// <summary>Writes the folder aside and renames it.</summary>
    public static Task SaveAsync(
        string folder, string kind, JsonObject options, Func<IReadOnlyList<(string Name, Tensor Value)>> tensors, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return AtomicFile.WriteFolderAsync(
            folder,
            async aside =>
            {
                string weights = Path.Combine(aside, WeightsFile);
                await TorchThread.RunAsync("save", () =>
                {
                    using var scope = NewDisposeScope();
                    using var stream = File.Create(weights);
                    SafetensorsFile.Write(stream, tensors(), cancellationToken: cancellationToken);
                    return true;
                }).ConfigureAwait(false);
                var manifest = new ArtifactManifest
                {
                    Kind = kind,
                    Options = options,
                    MadeFrom = new Dictionary<string, string> { ["weights"] = await ArtifactManifest.HashFileAsync(weights, cancellationToken).ConfigureAwait(false) },
                };
                await manifest.SaveAsync(Path.Combine(aside, ManifestFile), cancellationToken).ConfigureAwait(false);
            },
            cancellationToken);
    }

    /// <summary>Reads manifest and tensors, checks that they belong together, and makes the thing of them.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, from another fit, or a tensor is missing or of another shape.</exception>
    public static async Task<T> LoadAsync<TOptions, T>(string folder, string kind, Func<TOptions, FittedTensors, T> make, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        var manifest = await ArtifactManifest.LoadAsync(Path.Combine(folder, ManifestFile), kind, cancellationToken).ConfigureAwait(false);
        string weights = Path.Combine(folder, WeightsFile);
        await CheckHashAsync(manifest, "weights", weights, cancellationToken).ConfigureAwait(false);
        var options = manifest.OptionsAs<TOptions>();
        return await TorchThread.RunAsync("load", () =>
        {
            using var scope = NewDisposeScope();
            using var tensors = new FittedTensors(weights, SafetensorsFile.Load(weights));
            return make(options, tensors);
        }).ConfigureAwait(false);
    }

    /// <summary>Reads the kind of a saved quantizer.</summary>
    public static async Task<string> KindOfAsync(string folder, CancellationToken cancellationToken) =>
        (await ArtifactManifest.LoadAsync(Path.Combine(folder, ManifestFile), null, cancellationToken).ConfigureAwait(false)).Kind;

    /// <summary>Checks a file against the hash that the manifest has of it.</summary>
    public static async Task CheckHashAsync(ArtifactManifest manifest, string name, string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"File '{path}' does not exist; the manifest beside it names it.", path);
        }

        string hash = await ArtifactManifest.HashFileAsync(path, cancellationToken).ConfigureAwait(false);
        if (!manifest.MadeFrom.TryGetValue(name, out string? expected) || expected != hash)
        {
            throw new InvalidDataException($"File '{path}' is not the one that its manifest was written for (SHA-256 {hash}; expected {expected ?? "none"}): it comes from another fit.");
        }
    }
}

/// <summary>The tensors of a file by key, with errors that name file and key.</summary>
internal sealed class FittedTensors(string path, Dictionary<string, Tensor> tensors) : IDisposable
{
    /// <summary>Gets whether a key is there.</summary>
    public bool Has(string key) => tensors.ContainsKey(key);

    /// <summary>Gets a tensor of a given shape; −1 stands for any size.</summary>
    public Tensor Get(string key, params ReadOnlySpan<long> shape)
    {
        if (!tensors.TryGetValue(key, out var tensor))
        {
            throw new InvalidDataException($"File '{path}' lacks the tensor '{key}'.");
        }

        long[] actual = tensor.shape;
        bool fits = actual.Length == shape.Length;
        for (int i = 0; fits && i < shape.Length; i++)
        {
            fits = shape[i] == -1 || shape[i] == actual[i];
        }

        if (!fits)
        {
            throw new InvalidDataException($"File '{path}', key '{key}': shape [{string.Join(", ", actual)}]; expected [{string.Join(", ", shape.ToArray())}].");
        }

        if (tensor.is_floating_point() && !tensor.isfinite().all().item<bool>())
        {
            throw new InvalidDataException($"File '{path}', key '{key}' holds a number that is not finite.");
        }

        return tensor;
    }

    /// <summary>Copies tensors into parameters and buffers of the same names.</summary>
    public void CopyInto(IEnumerable<(string Name, Tensor Value)> targets)
    {
        using var _ = no_grad();
        foreach (var (name, value) in targets)
        {
            value.copy_(Get(name, value.shape));
        }
    }

    public void Dispose()
    {
        foreach (var tensor in tensors.Values)
        {
            tensor.Dispose();
        }
    }
}
