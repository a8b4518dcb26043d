namespace MiniOneRec.Baselines;

/// <summary>Convolutional sequence embedding recommendation; <see cref="CaserTrainer"/> makes one.</summary>
/// <remarks>Tang and Wang (arXiv:1809.07426), trained with the loss that the options name.</remarks>
public sealed class CaserRecommender : SequentialRecommender
{
    internal const string Kind = "caser";

    internal CaserRecommender(ItemCatalogue catalogue, SequentialModel model, CaserOptions options)
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
    public static Task<CaserRecommender> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        SequentialFolder.LoadAsync<CaserOptions, CaserRecommender>(
            folder,
            Kind,
            device,
            (items, options) => new CaserModel(items, options.Validated()),
            (catalogue, model, options) => new CaserRecommender(catalogue, model, options),
            cancellationToken);
}
