using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <summary>Says how <see cref="GenerativeRecommender"/> loads a folder, and what it may find there.</summary>
public sealed record RecommenderLoadOptions
{
    /// <summary>Gets the device: <c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</summary>
    /// <value>The default is <c>cpu</c>.</value>
    public string Device { get; init; } = "cpu";

    /// <summary>Gets the loaders of priors, by their kind; of two of one kind the last is used.</summary>
    /// <value>The default is none.</value>
    public IEnumerable<ScorerLoader> Scorers { get; init; } = [];

    /// <summary>Gets the registry that makes the saved template.</summary>
    /// <value>The default is <see cref="PromptTemplateRegistry.Default"/>.</value>
    public PromptTemplateRegistry Templates { get; init; } = PromptTemplateRegistry.Default;

    /// <summary>Gets the registry that loads the saved backbone.</summary>
    /// <value>The default is <see cref="BackboneRegistry.Default"/>.</value>
    public BackboneRegistry Backbones { get; init; } = BackboneRegistry.Default;

    /// <summary>Gets a delegate that changes the saved options before the recommender is made.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public Action<RecommenderOptions>? Configure { get; init; }

    /// <summary>Gets the logger of the recommender; it is told where the folder lacks the prior that its recommender had.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public ILogger<GenerativeRecommender>? Logger { get; init; }

    /// <summary>Gets the factory of the recommender's meter, or <see langword="null"/> for a meter that ends with the
    /// recommender.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public IMeterFactory? Meters { get; init; }
}
