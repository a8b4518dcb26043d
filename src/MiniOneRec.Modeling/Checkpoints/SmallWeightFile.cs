using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>How weights of 8 and 4 bits lie in a checkpoint folder.</summary>
/// <remarks>
/// The layers' matrices keep their names and hold codes. Beside <c>NAME.weight</c> lie <c>NAME.weight_scale</c> and, for 4 bits,
/// <c>NAME.weight_group</c>. The key <c>quantization_config</c> of <c>config.json</c> says so, with a method that other libraries refuse.
/// Embedding, head, norms and biases are as in any checkpoint.
/// </remarks>
internal static class SmallWeightFile
{
    /// <summary>The key of <c>config.json</c>.</summary>
    public const string Key = "quantization_config";

    private const string Method = "minionerec";
    private const string Scale = "_scale";
    private const string Group = "_group";
    private const string Matrix = "_proj.weight";

    /// <summary>Makes the value of <see cref="Key"/>.</summary>
    public static JsonObject Describe(ServingWeights form) => new() { ["quant_method"] = Method, ["weights"] = NameOf(form) };

    /// <summary>Gets the name of a form in files.</summary>
    /// <exception cref="ArgumentException">The form is not one of few bits.</exception>
    public static string NameOf(ServingWeights form) => form switch
    {
        ServingWeights.Int8 => "int8",
        ServingWeights.Int4 => "int4",
        _ => throw new ArgumentException($"Weights is {form}; a folder can be saved as Int8, as Int4, or with the weights that there are.",
            nameof(form)),
    };

    /// <summary>Gets the form that a file names, or <see langword="null"/> where it names none that is known.</summary>
    public static ServingWeights? Parse(string? name) =>
        name switch { "int8" => ServingWeights.Int8, "int4" => ServingWeights.Int4, _ => null };

    /// <summary>Reads the form from <c>config.json</c>.</summary>
    /// <param name="reader">The file.</param>
    /// <returns>The form; <see cref="ServingWeights.AsStored"/> where the file does not speak of one.</returns>
    /// <exception cref="InvalidDataException">The weights are quantised in a way that this library does not read.</exception>
    public static ServingWeights FormOf(ConfigReader reader)
    {
        if (reader.Value(Key) is not { } value)
        {
            return ServingWeights.AsStored;
        }

        bool own = value.ValueKind == JsonValueKind.Object && TextOf(value, "quant_method") == Method;
        return own && Parse(TextOf(value, "weights")) is { } form ? form : throw ConfigReader.Error(reader.Source, Key, value, own
            ? "expected the weights int8 or int4"
            : "quantised weights of other tools are not read from safetensors; expected a checkpoint in float32, float16 or bfloat16, "
                + "a GGUF file, or a folder that this library saved in int8 or int4");
    }

    /// <summary>Gets the keys under which a parameter lies in few bits, or none where it does not.</summary>
    public static string[] KeysOf(string key, ServingWeights form) => !SmallWeight.IsSmall(form) || !IsMatrix(key) ? []
        : form == ServingWeights.Int8 ? [key, key + Scale] : [key, key + Scale, key + Group];

    /// <summary>Names the tensors of a matrix.</summary>
    public static IEnumerable<(string Name, Tensor Value)> Named(string key, SmallWeight weight)
    {
        yield return (key, weight.Codes);
        yield return (key + Scale, weight.Scales);
        if (weight.Groups is not null)
        {
            yield return (key + Group, weight.Groups);
        }
    }

    /// <summary>Reads a matrix.</summary>
    /// <param name="source">The stored tensors.</param>
    /// <param name="key">The key of the codes.</param>
    /// <param name="form">The form.</param>
    /// <param name="rows">The outputs.</param>
    /// <param name="width">The inputs.</param>
    /// <exception cref="InvalidDataException">A tensor is missing, has another type or shape, or a scale is not finite; the message names
    /// the key.</exception>
    public static SmallWeight Read(IWeightSource source, string key, ServingWeights form, long rows, long width) =>
        form == ServingWeights.Int8
            ? new SmallWeight(
                Part(source, key, form, ScalarType.Int8, rows, width),
                Part(source, key + Scale, form, ScalarType.Float32, rows))
            : new SmallWeight(
                Part(source, key, form, ScalarType.Byte, rows, width / 2),
                Part(source, key + Scale, form, ScalarType.Float32, rows),
                Part(source, key + Group, form, ScalarType.BFloat16, rows, width / Int4Block.Group, 2));

    private static bool IsMatrix(string key) =>
        key.Contains("layers.", StringComparison.Ordinal) && key.EndsWith(Matrix, StringComparison.Ordinal);

    private static Tensor Part(IWeightSource source, string key, ServingWeights form, ScalarType type, params long[] shape)
    {
        if (source.Resolve(key) is null)
        {
            throw new InvalidDataException(
                $"'{source.Path}': key '{key}' is missing; a folder with weights of {NameOf(form)} has one of shape {Text(shape)}.");
        }

        var stored = source.Read(key);
        return stored.dtype != type || !stored.shape.SequenceEqual(shape)
            ? throw new InvalidDataException(
                $"'{source.Path}': key '{key}' has type {stored.dtype} and shape {Text(stored.shape)}; "
                + $"expected {type} and {Text(shape)}, since {HuggingFaceFolder.ConfigFile} says that the weights are {NameOf(form)}.")
            : FiniteWeights.Holds(stored) ? stored
            : throw new InvalidDataException($"'{source.Path}': key '{key}' holds values that are not finite; expected numbers.");
    }

    private static string Text(long[] shape) => $"[{string.Join(", ", shape)}]";

    private static string? TextOf(JsonElement value, string key) =>
        value.TryGetProperty(key, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;
}
