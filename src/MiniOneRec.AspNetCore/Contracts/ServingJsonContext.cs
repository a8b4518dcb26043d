using System.Text.Encodings.Web;
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
[JsonSerializable(typeof(TreeAnswer))]
[JsonSerializable(typeof(HealthAnswer))]
[JsonSerializable(typeof(ProblemBody))]
internal sealed partial class ServingJsonContext : JsonSerializerContext
{
    /// <summary>Gets the metadata of answers, which escape no more than JSON asks: a semantic ID stays readable. Answers are never part of
    /// a page.</summary>
    public static ServingJsonContext Answers => Readable.Context;

    private static class Readable
    {
        public static readonly ServingJsonContext Context =
            new(new JsonSerializerOptions(Default.Options) { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
    }
}
