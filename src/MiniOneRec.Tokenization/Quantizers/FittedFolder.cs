using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>A fitted thing as a folder: one safetensors file, and a manifest with its options.</summary>
internal static class FittedFolder
{
    private const string WeightsFile = "quantizer.safetensors";
    private const string ManifestFile = "manifest.json";

    /// <summary>Writes the folder aside and renames it.</summary>
    public static Task SaveAsync(
        string folder, string kind, JsonObject options, Func<IReadOnlyList<(string Name, Tensor Value)>> tensors, bool overwrite,
        CancellationToken cancellationToken)
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
                return new ArtifactManifest { Kind = kind, Options = options };
            },
            overwrite,
            cancellationToken);
    }

    /// <summary>Reads manifest and tensors, checks that they belong together, and makes the thing of them.</summary>
    /// <exception cref="InvalidDataException">A file is damaged, of another kind, from another fit, or a tensor is missing or of another
    /// shape.</exception>
    public static Task<T> LoadAsync<TOptions, T>(
        string folder, string kind, Func<TOptions, StoredTensors, T> make, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.LoadAsync(folder, ManifestFile, kind, (manifest, at) => ReadAsync(manifest, at, make, cancellationToken),
            cancellationToken);
    }

    /// <summary>Reads the kind of a saved quantizer.</summary>
    public static Task<string> KindOfAsync(string folder, CancellationToken cancellationToken) =>
        ArtifactFolder.KindOfAsync(folder, ManifestFile, cancellationToken);

    private static async Task<T> ReadAsync<TOptions, T>(
        ArtifactManifest manifest, string folder, Func<TOptions, StoredTensors, T> make, CancellationToken cancellationToken)
    {
        string weights = Path.Combine(folder, WeightsFile);
        await OldHashes.CheckFileAsync(manifest, "weights", weights, cancellationToken).ConfigureAwait(false);
        var options = manifest.OptionsAs<TOptions>();
        return await TorchThread.RunAsync("load", () =>
        {
            using var scope = NewDisposeScope();
            using var tensors = StoredTensors.Load(weights);
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
