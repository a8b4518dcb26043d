using MiniOneRec.Evaluation;
using MiniOneRec.Modeling;

namespace MiniOneRec.Recipes;

/// <summary>Holds the results of a recipe.</summary>
/// <param name="Recommender">The recommender as it would be served; the caller disposes it.</param>
/// <param name="Index">The semantic IDs.</param>
/// <param name="Report">The figures of all models on the test rows.</param>
public sealed record RecipeResult(GenerativeRecommender Recommender, SemanticIdIndex Index, ComparisonReport Report) : IDisposable
{
    /// <summary>Gets a trained scorer that the recommender may ask, or <see langword="null"/>.</summary>
    internal IDisposable? Trained { get; init; }

    /// <inheritdoc/>
    public void Dispose()
    {
        Recommender.Dispose();
        Trained?.Dispose();
    }
}
