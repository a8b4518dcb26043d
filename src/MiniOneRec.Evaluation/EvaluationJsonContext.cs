using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Evaluation;

/// <summary>Compiled JSON metadata of reports, for trimmed applications and for speed.</summary>
/// <remarks>Values of <see cref="ComparisonReport.Details"/> are any objects: those of types that are not listed here need
/// reflection.</remarks>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(EvaluationReport))]
[JsonSerializable(typeof(EvaluationReport[]))]
[JsonSerializable(typeof(ModelReport))]
[JsonSerializable(typeof(ComparisonReport))]
[JsonSerializable(typeof(PairedComparison))]
[JsonSerializable(typeof(MetricTable))]
[JsonSerializable(typeof(RankedExample))]
[JsonSerializable(typeof(string))]
[JsonSerializable(typeof(double))]
[JsonSerializable(typeof(int))]
[JsonSerializable(typeof(long))]
[JsonSerializable(typeof(bool))]
[JsonSerializable(typeof(JsonElement))]
public sealed partial class EvaluationJsonContext : JsonSerializerContext;
