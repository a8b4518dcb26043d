using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Adapters as PEFT lays them out: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
internal static class PeftFolder
{
    private const string WeightsFile = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";
    private const string Inner = "model.";
    private const long MaxConfigBytes = 16 << 20;
    private const string RowsSuffix = ".token_adapter.trainable_tokens_delta";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentSize = 2 };

    public static Task SaveAsync(
        string folder, CausalLanguageModel model, LoraOptions options, IReadOnlyList<(string Name, Parameter Value)> tensors,
        string baseModel, int? firstRow,
        bool overwrite, CancellationToken cancellationToken) => AtomicFile.WriteFolderAsync(
        folder,
        async aside =>
        {
            await File.WriteAllTextAsync(Path.Combine(aside, PeftConfig.FileName),
                PeftConfig.Write(options, baseModel, Indices(model, firstRow)).ToJsonString(Indented), cancellationToken)
                .ConfigureAwait(false);
            List<(string, Tensor)> values = [.. tensors.Select(pair => (Prefix + pair.Name, (Tensor)pair.Value))];
            var rows = firstRow is { } first
                ? Rows(model).Select(pair => (Prefix + pair.Name + RowsSuffix, Tail(pair.Matrix, first))).ToArray() : [];
            try
            {
                FiniteWeights.Require([.. values, .. rows], "The adapter");
                await SafetensorsFile.SaveAsync(
                    Path.Combine(aside, WeightsFile), [.. values, .. rows], new Dictionary<string, string> { ["format"] = "pt" },
                    cancellationToken: cancellationToken)
                    .ConfigureAwait(false);
            }
            finally
            {
                foreach (var (_, value) in rows)
                {
                    value.Dispose();
                }
            }
        },
        IsOfAdapter,
        overwrite,
        cancellationToken);

    /// <summary>Checks, before a run, that its adapters can be saved.</summary>
    public static void CheckTarget(string folder) => AtomicFile.CheckFolder(folder, IsOfAdapter);

    public static async Task<LoraAdapters> LoadAsync(string folder, CausalLanguageModel model, ILogger? logger,
        CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(model);
        string configPath = Path.Combine(folder, PeftConfig.FileName);
        if (!File.Exists(configPath))
        {
            throw new FileNotFoundException($"'{configPath}' does not exist.", configPath);
        }

        if (FileSize.Of(configPath) > MaxConfigBytes)
        {
            throw new InvalidDataException($"'{configPath}' is longer than {MaxConfigBytes} bytes, at which such files end.");
        }

        var notes = new List<string>();
        var config = PeftConfig.Read(configPath, await File.ReadAllTextAsync(configPath, cancellationToken).ConfigureAwait(false), notes);
        if (logger is not null)
        {
            notes.ForEach(note => Log.SettingsNote(logger, note));
        }

        return await TorchThread.RunAsync("MiniOneRec load", () => Fill(Path.Combine(folder, WeightsFile), configPath, model, config))
            .ConfigureAwait(false);
    }

    private static bool IsOfAdapter(string name) => name is PeftConfig.FileName or WeightsFile;

    private static LoraAdapters Fill(string path, string configPath, CausalLanguageModel model, PeftConfig config)
    {
        using var noGrad = no_grad();
        var stored = SafetensorsFile.Load(path);
        LoraAdapters? adapters = null;
        try
        {
            adapters = Attach(configPath, model, config.Options);
            var rows = Rows(model).Where(pair => config.Rows.ContainsKey(ShortName(pair.Name))).Select(pair =>
                (pair.Matrix, Key: KeyOf(stored, pair.Name + RowsSuffix), Indices: config.Rows[ShortName(pair.Name)])).ToArray();
            int[] strangers = [.. rows.SelectMany(row => row.Indices).Where(index => index < 0 || index >= model.Config.VocabularySize)];
            if (strangers is [var odd, ..])
            {
                throw new InvalidDataException(
                    $"'{configPath}': key 'trainable_token_indices' names the token {odd}; the model has {model.Config.VocabularySize}.");
            }

            // Everything is checked before the model is touched.
            (Tensor Target, string Key, long[] Shape)[] parts =
                [.. adapters.Tensors().Select(pair => ((Tensor)pair.Value, KeyOf(stored, pair.Name), pair.Value.shape)),
                    .. rows.Select(row => (row.Matrix, row.Key, new[] { row.Indices.Length, row.Matrix.size(1) }))];
            foreach (var (_, key, shape) in parts)
            {
                Check(stored, path, key, shape);
            }

            if (stored.Keys.Except(parts.Select(part => part.Key)).Order(StringComparer.Ordinal).FirstOrDefault() is { } stranger)
            {
                throw new InvalidDataException($"'{path}': key '{stranger}' {Reason(stranger)}.");
            }

            foreach (var (name, parameter) in adapters.Tensors())
            {
                parameter.copy_(stored[KeyOf(stored, name)]);
            }

            foreach (var (matrix, key, indices) in rows)
            {
                using var whole = matrix.detach();
                using var places = tensor([.. indices.Select(index => (long)index)], device: matrix.device);
                using var values = stored[key].to(matrix.dtype, matrix.device);
                whole.index_copy_(0, places, values);
            }

            return adapters;
        }
        catch
        {
            adapters?.Dispose();
            throw;
        }
        finally
        {
            foreach (var value in stored.Values)
            {
                value.Dispose();
            }
        }
    }

    private static LoraAdapters Attach(string configPath, CausalLanguageModel model, LoraOptions options)
    {
        try
        {
            return LoraAdapters.AttachAny(model, options);
        }
        catch (Exception e) when (e is ArgumentException or System.Text.RegularExpressions.RegexMatchTimeoutException)
        {
            throw new InvalidDataException($"'{configPath}': key 'target_modules' or one of its kin fits nothing. {e.Message}", e);
        }
    }

    // Adapters of models that were loaded without their head have no "model." in their names.
    private static string KeyOf(Dictionary<string, Tensor> stored, string name) =>
        !stored.ContainsKey(Prefix + name) && name.StartsWith(Inner, StringComparison.Ordinal)
            && stored.ContainsKey(Prefix + name[Inner.Length..])
            ? Prefix + name[Inner.Length..]
            : Prefix + name;

    private static void Check(Dictionary<string, Tensor> stored, string path, string key, long[] shape)
    {
        if (!stored.TryGetValue(key, out var value))
        {
            throw new InvalidDataException($"'{path}': key '{key}' is missing; expected shape [{string.Join(", ", shape)}].");
        }

        string? problem = !value.shape.AsSpan().SequenceEqual(shape)
            ? $"has shape [{string.Join(", ", value.shape)}]; expected [{string.Join(", ", shape)}]"
            : !value.is_floating_point() ? $"has elements of type {value.dtype}; expected floating-point weights"
            : !FiniteWeights.Holds(value) ? "holds values that are not finite; expected numbers"
            : null;
        if (problem is not null)
        {
            throw new InvalidDataException($"'{path}': key '{key}' {problem}.");
        }
    }

    private static string Reason(string key) =>
        key.Contains("lora_magnitude_vector", StringComparison.Ordinal)
            ? "belongs to a weight-decomposed adapter (DoRA), which is not implemented"
        : key.Contains("lora_embedding_", StringComparison.Ordinal) || key.Contains("lm_head.lora_", StringComparison.Ordinal)
            ? "belongs to an adapter on embedding or head, which is not implemented; adapters are for maps of "
            + "attention and feed-forward blocks"
        : key.Contains("lora_B.bias", StringComparison.Ordinal) ? "is a bias within an adapter (lora_bias), which is not implemented"
        : key.EndsWith(RowsSuffix, StringComparison.Ordinal) ? "holds rows that trainable_token_indices does not name"
        : key.Contains(".lora_", StringComparison.Ordinal)
            ? "belongs to a map that target_modules, exclude_modules and layers_to_transform leave out"
        : "is a whole module (modules_to_save), which is not implemented, or belongs to no part of the model";

    private static JsonObject? Indices(CausalLanguageModel model, int? firstRow) => firstRow is not { } first ? null
        : new JsonObject([.. Rows(model).Select(pair => KeyValuePair.Create<string, JsonNode?>(
        ShortName(pair.Name),
        new JsonArray([.. Enumerable.Range(first, model.Config.VocabularySize - first).Select(id => (JsonNode)id)])))]);

    private static string ShortName(string name) => name[(name.LastIndexOf('.') + 1)..];

    private static IEnumerable<(string Name, Tensor Matrix)> Rows(CausalLanguageModel model)
    {
        yield return (DecoderTensorNames.EmbeddingModule, model.EmbeddingWeight);
        if (model.Config is { TieWordEmbeddings: false, HasHead: true })
        {
            yield return (DecoderTensorNames.HeadModule, model.HeadWeight);
        }
    }

    private static Tensor Tail(Tensor matrix, int first)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return matrix.detach().narrow(0, first, matrix.size(0) - first).clone().DetachFromDisposeScope();
    }
}
