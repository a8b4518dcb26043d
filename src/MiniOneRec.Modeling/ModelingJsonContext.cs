using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Modeling;

/// <summary>Compiled JSON metadata of what a model folder holds, so that a trimmed application can load one.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RecommenderOptions))]
[JsonSerializable(typeof(ContentOptions))]
[JsonSerializable(typeof(Dictionary<string, double>))]
[JsonSerializable(typeof(IReadOnlyDictionary<string, double>))]
[JsonSerializable(typeof(int[]))]
internal sealed partial class ModelingJsonContext : JsonSerializerContext;
