namespace MiniOneRec.Modeling;

/// <summary>Says how <see cref="GenerativeRecommender"/> writes a folder.</summary>
public sealed record RecommenderSaveOptions
{
    /// <summary>Gets whether an existing folder is replaced whatever it holds.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool Overwrite { get; init; }

    /// <summary>Gets the form in which the layers' matrices are written.</summary>
    /// <remarks>
    /// <see cref="ServingWeights.Int8"/> and <see cref="ServingWeights.Int4"/> round them once, and the folder's manifest says so. Such a
    /// folder loads with the same bits as one that is rounded while it is loaded (<see cref="RecommenderOptions.Weights"/>), sooner and
    /// from fewer bytes. It serves on the CPU of x64 Linux, and can be neither trained nor saved again.
    /// </remarks>
    /// <value>The default is <see cref="ServingWeights.AsStored"/>: the weights that there are.</value>
    public ServingWeights Weights { get; init; }
}
