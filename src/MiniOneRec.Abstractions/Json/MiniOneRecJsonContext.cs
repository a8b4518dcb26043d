using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;

namespace MiniOneRec;

/// <summary>Compiled JSON metadata of requests, results, semantic IDs, progress and data, for trimmed applications and for speed.</summary>
/// <remarks>
/// In ASP.NET Core: <c>services.ConfigureHttpJsonOptions(o => o.SerializerOptions.TypeInfoResolverChain.Insert(0,
/// MiniOneRecJsonContext.Default))</c>. Without it the types serialize by reflection, alike.
/// </remarks>
[JsonSourceGenerationOptions(JsonSerializerDefaults.Web)]
[JsonSerializable(typeof(RecommendationRequest))]
[JsonSerializable(typeof(RecommendationRequest[]))]
[JsonSerializable(typeof(IReadOnlyList<RecommendationRequest>))]
[JsonSerializable(typeof(List<RecommendationRequest>))]
[JsonSerializable(typeof(RecommendationResult))]
[JsonSerializable(typeof(RecommendationResult[]))]
[JsonSerializable(typeof(IReadOnlyList<RecommendationResult>))]
[JsonSerializable(typeof(List<RecommendationResult>))]
[JsonSerializable(typeof(Recommendation[]))]
[JsonSerializable(typeof(List<Recommendation>))]
[JsonSerializable(typeof(SemanticId[]))]
[JsonSerializable(typeof(List<SemanticId>))]
[JsonSerializable(typeof(SemanticIdIndex))]
[JsonSerializable(typeof(TrainingProgress))]
[JsonSerializable(typeof(TrainingResult))]
[JsonSerializable(typeof(Item[]))]
[JsonSerializable(typeof(List<Item>))]
[JsonSerializable(typeof(UserSequence[]))]
[JsonSerializable(typeof(List<UserSequence>))]
[JsonSerializable(typeof(NextItemExample[]))]
[JsonSerializable(typeof(List<NextItemExample>))]
[JsonSerializable(typeof(ArtifactManifest))]
[JsonSerializable(typeof(Dictionary<string, string[]>))]
public sealed partial class MiniOneRecJsonContext : JsonSerializerContext
{
    /// <summary>Gets a resolver that knows compiled types first and, where the application allows reflection, any other type too.</summary>
    /// <param name="compiled">The compiled metadata.</param>
    [UnconditionalSuppressMessage("Trimming", "IL2026",
        Justification = "Reflection is used only where the application allows it, which a trimmed one does not.")]
    [UnconditionalSuppressMessage("AOT", "IL3050",
        Justification = "Reflection is used only where the application allows it, which a trimmed one does not.")]
    internal static IJsonTypeInfoResolver WithReflection(JsonSerializerContext compiled) => JsonSerializer.IsReflectionEnabledByDefault
        ? JsonTypeInfoResolver.Combine(compiled, new DefaultJsonTypeInfoResolver())
        : compiled;
}
