using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MiniOneRec.Evaluation;

/// <summary>How reports look in files: camel case, indented, without what is absent.</summary>
internal static class ReportJson
{
    public static JsonSerializerOptions Options { get; } = new(JsonSerializerDefaults.Web)
    {
        WriteIndented = true,
        IndentSize = 2,
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
        TypeInfoResolver = JsonSerializer.IsReflectionEnabledByDefault
            ? JsonTypeInfoResolver.Combine(EvaluationJsonContext.Default, new DefaultJsonTypeInfoResolver())
            : EvaluationJsonContext.Default,
    };

    /// <summary>Writes a figure; one that is not finite, which JSON has no number for, as a string.</summary>
    public static void WriteFigure(Utf8JsonWriter writer, double figure)
    {
        if (double.IsFinite(figure))
        {
            writer.WriteNumberValue(figure);
        }
        else
        {
            writer.WriteStringValue(double.IsNaN(figure) ? "NaN" : figure > 0 ? "Infinity" : "-Infinity");
        }
    }

    /// <summary>Reads a figure.</summary>
    public static double ReadFigure(JsonElement element, string name) => element.ValueKind switch
    {
        JsonValueKind.Number => element.GetDouble(),
        JsonValueKind.String => element.GetString() switch
        {
            "NaN" => double.NaN,
            "Infinity" => double.PositiveInfinity,
            "-Infinity" => double.NegativeInfinity,
            _ => throw new JsonException($"'{name}' must be a number."),
        },
        _ => throw new JsonException($"'{name}' must be a number."),
    };
}
