using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.Tokenization;

/// <summary>Compiled JSON metadata of reports and of what a growing catalogue returns, for trimmed applications and for speed.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(SemanticIdReport))]
[JsonSerializable(typeof(CatalogueAddition))]
[JsonSerializable(typeof(CatalogueDrift))]
[JsonSerializable(typeof(ReconstructionError))]
public sealed partial class TokenizationJsonContext : JsonSerializerContext;
