namespace MiniOneRec.Baselines;

/// <summary>Hierarchical sequential transduction units; <see cref="HstuTrainer"/> makes one.</summary>
/// <remarks>
/// Zhai et al. (arXiv:2402.17152). Where it learned from times, <see cref="RecommendationRequest.HistoryTimestamps"/> are read; without
/// them the bias of times is left out.
/// </remarks>
public sealed class HstuRecommender : SequentialRecommender
{
    internal const string Kind = "hstu";

    internal HstuRecommender(ItemCatalogue catalogue, SequentialModel model, HstuOptions options)
        : base(Kind, catalogue, model, options)
    {
    }

    /// <summary>Loads a folder that <see cref="SequentialRecommender.SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, or the catalogue is not the one that was saved with the
    /// weights.</exception>
    public static Task<HstuRecommender> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        SequentialFolder.LoadAsync<HstuOptions, HstuRecommender>(
            folder,
            Kind,
            device,
            (items, options) => new HstuModel(items, options.Validated()),
            (catalogue, model, options) => new HstuRecommender(catalogue, model, options),
            cancellationToken);
}
