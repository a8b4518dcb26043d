using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec.AspNetCore;

/// <summary>Compiled JSON metadata of bodies and answers.</summary>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web, DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow, MaxDepth = 32,
        NumberHandling = JsonNumberHandling.AllowNamedFloatingPointLiterals)]
[JsonSerializable(typeof(RecommendCall))]
[JsonSerializable(typeof(RecommendAnswer))]
[JsonSerializable(typeof(RecommendAnswers))]
[JsonSerializable(typeof(SimilarQuery))]
[JsonSerializable(typeof(SimilarAnswer))]
[JsonSerializable(typeof(EventLine))]
[JsonSerializable(typeof(EventsAnswer))]
[JsonSerializable(typeof(HistoryAnswer))]
[JsonSerializable(typeof(ErasedAnswer))]
[JsonSerializable(typeof(ItemBody))]
[JsonSerializable(typeof(ItemAnswer))]
[JsonSerializable(typeof(ItemsAnswer))]
[JsonSerializable(typeof(ModelCommand))]
[JsonSerializable(typeof(ModelsAnswer))]
[JsonSerializable(typeof(CatalogAnswer))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(ProblemBody))]
internal sealed partial class ServingJsonContext : JsonSerializerContext;
