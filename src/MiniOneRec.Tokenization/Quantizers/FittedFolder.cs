using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
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
        string folder, string kind, JsonObject options, Func<IReadOnlyList<(string Name, Tensor Value)>> tensors, bool overwrite, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.SaveAsync(
            folder,
            ManifestFile,
            kind,
            async aside =>
            {
                string weights = Path.Combine(aside, WeightsFile);
                await TorchThread.RunAsync("save", () =>
                {
                    using var scope = NewDisposeScope();
                    var values = tensors();
                    FiniteWeights.Require(values, $"The {kind} quantizer");
                    using var stream = File.Create(weights);
                    SafetensorsFile.Write(stream, values, cancellationToken: cancellationToken);
                    return true;
                }).ConfigureAwait(false);
                return new ArtifactManifest
                {
                    Kind = kind,
                    Options = options,
                    MadeFrom = new Dictionary<string, string> { ["weights"] = await ArtifactManifest.HashFileAsync(weights, cancellationToken).ConfigureAwait(false) },
                };
            },
            overwrite,
            cancellationToken);
    }

    /// <summary>Reads manifest and tensors, checks that they belong together, and makes the thing of them.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, from another fit, or a tensor is missing or of another shape.</exception>
    public static Task<T> LoadAsync<TOptions, T>(string folder, string kind, Func<TOptions, FittedTensors, T> make, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.LoadAsync(folder, ManifestFile, kind, (manifest, at) => ReadAsync(manifest, at, make, cancellationToken), cancellationToken);
    }

    /// <summary>Reads the kind of a saved quantizer.</summary>
    public static Task<string> KindOfAsync(string folder, CancellationToken cancellationToken) =>
        ArtifactFolder.KindOfAsync(folder, ManifestFile, cancellationToken);

    /// <summary>Checks a file against the hash of it that manifests of version 0.1 have; newer ones list the hashes of all files.</summary>
    public static async Task CheckHashAsync(ArtifactManifest manifest, string name, string path, CancellationToken cancellationToken)
    {
        if (manifest.Files.Count > 0)
        {
            return;
        }

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

    private static async Task<T> ReadAsync<TOptions, T>(
        ArtifactManifest manifest, string folder, Func<TOptions, FittedTensors, T> make, CancellationToken cancellationToken)
    {
        string weights = Path.Combine(folder, WeightsFile);
        await CheckHashAsync(manifest, "weights", weights, cancellationToken).ConfigureAwait(false);
        var options = manifest.OptionsAs<TOptions>();
        return await TorchThread.RunAsync("load", () =>
        {
            using var scope = NewDisposeScope();
            using var tensors = new FittedTensors(weights, SafetensorsFile.Load(weights));
            try
            {
                return make(options, tensors);
            }
            catch (OptionsValidationException e)
            {
                throw new InvalidDataException($"Manifest '{Path.Combine(folder, ManifestFile)}': {e.Message}", e);
            }
        }).ConfigureAwait(false);
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
            var stored = Get(name, value.shape);
            if (stored.is_floating_point() != value.is_floating_point())
            {
                throw new InvalidDataException($"File '{path}', key '{name}' has elements of type {stored.dtype}; expected {value.dtype}.");
            }

            value.copy_(stored);
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
