using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Adapters as PEFT lays them out: <c>adapter_config.json</c> and <c>adapter_model.safetensors</c>.</summary>
internal static class PeftFolder
{
    private const string ConfigFile = "adapter_config.json";
    private const string WeightsFile = "adapter_model.safetensors";
    private const string Prefix = "base_model.model.";
    private const string RowsSuffix = ".token_adapter.trainable_tokens_delta";
    private static readonly JsonSerializerOptions Indented = new() { WriteIndented = true, IndentSize = 2 };

    public static Task SaveAsync(
        string folder, CausalLanguageModel model, LoraOptions options, IReadOnlyList<(string Name, Parameter Value)> tensors, string baseModel, int? firstRow,
        CancellationToken cancellationToken) => AtomicFile.WriteFolderAsync(
        folder,
        async aside =>
        {
            await File.WriteAllTextAsync(Path.Combine(aside, ConfigFile), Config(model, options, baseModel, firstRow).ToJsonString(Indented), cancellationToken)
                .ConfigureAwait(false);
            List<(string, Tensor)> values = [.. tensors.Select(pair => (Prefix + pair.Name, (Tensor)pair.Value))];
            var rows = firstRow is { } first ? Rows(model).Select(pair => (Prefix + pair.Name + RowsSuffix, Tail(pair.Matrix, first))).ToArray() : [];
            try
            {
                await SafetensorsFile.SaveAsync(
                    Path.Combine(aside, WeightsFile), [.. values, .. rows], new Dictionary<string, string> { ["format"] = "pt" }, cancellationToken: cancellationToken)
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
        cancellationToken);

    public static async Task<LoraAdapters> LoadAsync(string folder, CausalLanguageModel model, CancellationToken cancellationToken)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentNullException.ThrowIfNull(model);
        string configPath = Path.Combine(folder, ConfigFile);
        if (!File.Exists(configPath))
        {
            throw new FileNotFoundException($"'{configPath}' does not exist.", configPath);
        }

        var (options, indices) = ReadConfig(configPath, await File.ReadAllTextAsync(configPath, cancellationToken).ConfigureAwait(false));
        if (indices.Count > 0 && !indices.SequenceEqual(Enumerable.Range(model.Config.VocabularySize - indices.Count, indices.Count)))
        {
            throw new InvalidDataException(
                $"'{configPath}': trainable_token_indices are not the last {indices.Count} of the model's {model.Config.VocabularySize} tokens; only those can be loaded.");
        }

        return await TorchThread.RunAsync("MiniOneRec load", () => Fill(Path.Combine(folder, WeightsFile), model, options)).ConfigureAwait(false);
    }

    private static LoraAdapters Fill(string path, CausalLanguageModel model, LoraOptions options)
    {
        using var noGrad = no_grad();
        var stored = SafetensorsFile.Load(path);
        var adapters = LoraAdapters.Attach(model, options);
        try
        {
            foreach (var (name, parameter) in adapters.Tensors())
            {
                Take(stored, path, Prefix + name, parameter);
            }

            foreach (var (name, matrix) in Rows(model))
            {
                if (stored.TryGetValue(Prefix + name + RowsSuffix, out var rows))
                {
                    using var tail = matrix.detach();
                    using var target = tail.narrow(0, Math.Max(0, matrix.size(0) - rows.size(0)), Math.Min(rows.size(0), matrix.size(0)));
                    Take(stored, path, Prefix + name + RowsSuffix, target);
                }
            }

            return stored.Count == 0 ? adapters : throw new InvalidDataException($"'{path}': key '{stored.Keys.First()}' belongs to no part of the model.");
        }
        catch
        {
            adapters.Dispose();
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

    private static void Take(Dictionary<string, Tensor> stored, string path, string key, Tensor target)
    {
        if (!stored.Remove(key, out var value))
        {
            throw new InvalidDataException($"'{path}': key '{key}' is missing; expected shape [{string.Join(", ", target.shape)}].");
        }

        using (value)
        {
            if (!value.shape.AsSpan().SequenceEqual(target.shape))
            {
                throw new InvalidDataException($"'{path}': key '{key}' has shape [{string.Join(", ", value.shape)}]; expected [{string.Join(", ", target.shape)}].");
            }

            target.copy_(value);
        }
    }

    private static JsonObject Config(CausalLanguageModel model, LoraOptions options, string baseModel, int? firstRow) => new()
    {
        ["peft_type"] = "LORA",
        ["task_type"] = "CAUSAL_LM",
        ["base_model_name_or_path"] = baseModel,
        ["inference_mode"] = true,
        ["r"] = options.Rank,
        ["lora_alpha"] = options.Alpha,
        ["lora_dropout"] = options.Dropout,
        ["bias"] = "none",
        ["fan_in_fan_out"] = false,
        ["target_modules"] = new JsonArray([.. options.Targets.Select(target => (JsonNode)target)]),
        ["trainable_token_indices"] = firstRow is not { } first ? null : new JsonObject([.. Rows(model).Select(pair => KeyValuePair.Create<string, JsonNode?>(
            pair.Name[(pair.Name.LastIndexOf('.') + 1)..],
            new JsonArray([.. Enumerable.Range(first, model.Config.VocabularySize - first).Select(id => (JsonNode)id)])))]),
    };

    private static (LoraOptions Options, IReadOnlyList<int> TokenIndices) ReadConfig(string path, string json)
    {
        try
        {
            var root = JsonNode.Parse(json)?.AsObject() ?? throw new InvalidDataException($"'{path}': expected a JSON object.");
            string? type = (string?)root["peft_type"];
            if (type != "LORA")
            {
                throw new InvalidDataException($"'{path}': peft_type is '{type}'; expected 'LORA'.");
            }

            var tokens = root["trainable_token_indices"] is JsonObject rows ? rows.First().Value : root["trainable_token_indices"];
            return (new LoraOptions
            {
                Rank = (int?)root["r"] ?? throw new InvalidDataException($"'{path}': key 'r' is missing."),
                Alpha = (double?)root["lora_alpha"] ?? throw new InvalidDataException($"'{path}': key 'lora_alpha' is missing."),
                Dropout = (double?)root["lora_dropout"] ?? 0,
                Targets = root["target_modules"]?.Deserialize<string[]>() ?? throw new InvalidDataException($"'{path}': key 'target_modules' is missing."),
                TrainNewRows = tokens is not null,
            }, tokens?.Deserialize<int[]>() ?? []);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new InvalidDataException($"'{path}': no adapter configuration. {e.Message}", e);
        }
    }

    private static IEnumerable<(string Name, Tensor Matrix)> Rows(CausalLanguageModel model)
    {
        yield return ("model.embed_tokens", model.EmbeddingWeight);
        if (!model.Config.TieWordEmbeddings)
        {
            yield return ("lm_head", model.HeadWeight);
        }
    }

    private static Tensor Tail(Tensor matrix, int first)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        return matrix.detach().narrow(0, first, matrix.size(0) - first).clone().DetachFromDisposeScope();
    }
}
