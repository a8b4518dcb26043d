using System.Text.Json.Nodes;

namespace MiniOneRec.Measuring;

/// <summary>One measured number.</summary>
/// <param name="Study">The study.</param>
/// <param name="Name">What was measured.</param>
/// <param name="Value">The number.</param>
/// <param name="Unit">Its unit, for example <c>ms</c>, <c>x</c> (a ratio) or <c>MB</c>.</param>
/// <param name="Settings">What it depends on.</param>
public sealed record Figure(string Study, string Name, double Value, string Unit, JsonObject Settings)
{
    /// <summary>Gets the JSON line; numbers that JSON lacks (NaN, infinity) become <c>null</c>.</summary>
    public string ToJson() => new JsonObject
    {
        ["study"] = Study,
        ["figure"] = Name,
        ["value"] = double.IsFinite(Value) ? Value : null,
        ["unit"] = Unit,
        ["settings"] = Settings.DeepClone(),
    }.ToJsonString();
}
