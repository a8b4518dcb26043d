namespace MiniOneRec.Baselines;

/// <summary>Self-attentive sequential recommendation; <see cref="SasRecTrainer"/> makes one.</summary>
/// <remarks>Kang and McAuley (arXiv:1808.09781), trained with the loss that the options name.</remarks>
public sealed class SasRecRecommender : SequentialRecommender
{
    internal const string Kind = "sasrec";

    internal SasRecRecommender(ItemCatalogue catalogue, SequentialModel model, SasRecOptions options)
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
    public static Task<SasRecRecommender> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        SequentialFolder.LoadAsync<SasRecOptions, SasRecRecommender>(
            folder,
            Kind,
            device,
            (items, options) => new SasRecModel(items, options.Validated()),
            (catalogue, model, options) => new SasRecRecommender(catalogue, model, options),
            cancellationToken);
}
