using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>A model's content within its folder: weights and vectors in one safetensors file, options and fingerprint in the
/// manifest.</summary>
internal static class ContentStore
{
    public const string File = "content.safetensors";
    private const string Key = "content";
    private const string Vectors = "vectors";
    private const string Known = "known";

    /// <summary>Writes a model's content into a recommender's folder.</summary>
    /// <param name="content">The content, or <see langword="null"/> for none.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="manifest">The recommender's manifest; receives what is known of the content.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    /// <exception cref="InvalidOperationException">A weight is not a finite number.</exception>
    public static async Task SaveAsync(ContentModule? content, string folder, ArtifactManifest manifest,
        CancellationToken cancellationToken)
    {
        if (content is null)
        {
            return;
        }

        (string Name, Tensor Value)[] weights = [.. content.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))];
        if (FiniteWeights.FirstBad(weights) is { } bad)
        {
            throw new InvalidOperationException($"The content's weight '{bad}' holds a number that is not finite; nothing is saved.");
        }

        using var known = tensor([.. content.Content.Known.ToArray().Select(value => value ? (byte)1 : (byte)0)]);
        using var vectors = tensor(content.Content.Values, [content.Items.Count, content.Content.Width]);
        await SafetensorsFile.SaveAsync(
            Path.Combine(folder, File), [.. weights, (Vectors, vectors), (Known, known)], alignment: 64,
            cancellationToken: cancellationToken).ConfigureAwait(false);
        manifest.Options[Key] = new JsonObject { ["options"] = content.Describe(), ["fingerprint"] = content.Content.Fingerprint };
    }

    /// <summary>Reads the content that was saved with a model and gives it to the model; does nothing where there was none.</summary>
    /// <param name="model">The model.</param>
    /// <param name="manifest">The recommender's manifest.</param>
    /// <param name="folder">The recommender's folder.</param>
    /// <param name="index">The catalogue.</param>
    /// <param name="template">Which tokens stand for codes.</param>
    /// <param name="cancellationToken">Looked at before the work begins.</param>
    /// <exception cref="InvalidDataException">The file is missing or damaged, or its vectors are not those of the training; the message
    /// names the key.</exception>
    public static Task LoadAsync(
        CausalLanguageModel model, ArtifactManifest manifest, string folder, SemanticIdIndex index, IPromptTemplate template,
        CancellationToken cancellationToken)
    {
        cancellationToken.ThrowIfCancellationRequested();
        return manifest.Options[Key] is not { } node
            ? Task.CompletedTask
            : TorchThread.RunAsync("MiniOneRec load", () =>
            {
                model.Attach(Read(node, Path.Combine(folder, File), model.Config.HiddenSize, index, template));
                return true;
            });
    }

    private static ContentModule Read(JsonNode node, string path, int hiddenSize, SemanticIdIndex index, IPromptTemplate template)
    {
        var (options, fingerprint) = Described(node, path);
        if (!System.IO.File.Exists(path))
        {
            throw new InvalidDataException($"'{path}' does not exist; the manifest beside it says that the model has content.");
        }

        using var scope = NewDisposeScope();
        var stored = SafetensorsFile.Load(path);
        foreach (var value in stored.Values)
        {
            scope.Attach(value);
        }

        var vectors = Stored(stored, Vectors, path, ScalarType.Float32);
        var known = Stored(stored, Known, path, ScalarType.Byte);
        if (vectors.dim() != 2 || vectors.size(0) != index.Count || known.dim() != 1 || known.size(0) != index.Count)
        {
            throw new InvalidDataException(
                $"'{path}': '{Vectors}' is [{string.Join(", ", vectors.shape)}] and '{Known}' [{string.Join(", ", known.shape)}]; "
                + $"expected a row for each of the catalogue's {index.Count} items.");
        }

        ContentModule content;
        try
        {
            var items = new ItemContent(
                index.Items, (int)vectors.size(1), vectors.contiguous().data<float>().ToArray(),
                [.. known.data<byte>().ToArray().Select(value => value != 0)]);
            if (items.Fingerprint != fingerprint)
            {
                throw new InvalidDataException(
                    $"'{path}' has vectors of fingerprint {items.Fingerprint}; the model was trained with {fingerprint}.");
            }

            content = new ContentModule(items, index, template, hiddenSize, options);
        }
        catch (Exception e) when (e is ArgumentException or OptionsValidationException)
        {
            throw new InvalidDataException($"'{path}': {e.Message}", e);
        }

        try
        {
            using var noGrad = no_grad();
            foreach (var (name, parameter) in content.named_parameters())
            {
                var value = Stored(stored, name, path, ScalarType.Float32);
                if (!value.shape.AsSpan().SequenceEqual(parameter.shape))
                {
                    throw new InvalidDataException(
                        $"'{path}': key '{name}' has shape [{string.Join(", ", value.shape)}]; "
                        + $"expected [{string.Join(", ", parameter.shape)}].");
                }

                parameter.copy_(value);
            }

            if (FiniteWeights.FirstBad(content.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))) is { } bad)
            {
                throw new InvalidDataException($"'{path}': key '{bad}' holds a number that is not finite.");
            }

            return content;
        }
        catch
        {
            content.Dispose();
            throw;
        }
    }

    private static (ContentOptions Options, string Fingerprint) Described(JsonNode node, string path)
    {
        try
        {
            if (node is JsonObject entries && entries["fingerprint"]?.GetValue<string>() is { } fingerprint
                && entries["options"].Deserialize(ModelingJsonContext.Default.ContentOptions) is { } options)
            {
                return (options, fingerprint);
            }
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or NotSupportedException)
        {
            throw new InvalidDataException($"The manifest beside '{path}': options key '{Key}' does not describe content: {e.Message}", e);
        }

        throw new InvalidDataException($"The manifest beside '{path}': options key '{Key}' lacks 'options' or 'fingerprint'.");
    }

    private static Tensor Stored(Dictionary<string, Tensor> stored, string key, string path, ScalarType type) =>
        stored.TryGetValue(key, out var value) && value.dtype == type
            ? value
            : throw new InvalidDataException($"'{path}': key '{key}' is missing or is not of type {type}.");
}
