using System.Globalization;
using System.Text.Json;

namespace MiniOneRec.Datasets;

/// <summary>Item and user ids in JSON, which are integers in some files and strings in others.</summary>
internal static class JsonIds
{
    /// <summary>The id as text, or <see langword="null"/> where the value is none.</summary>
    public static string? Read(JsonElement value) => value.ValueKind switch
    {
        JsonValueKind.String when value.GetString() is { Length: > 0 } text => text,
        JsonValueKind.Number when value.TryGetInt64(out long number) => number.ToString(CultureInfo.InvariantCulture),
        _ => null,
    };
}
