namespace MiniOneRec.Baselines;

/// <summary>Recurrent sequential recommendation; <see cref="Gru4RecTrainer"/> makes one.</summary>
/// <remarks>Hidasi et al. (arXiv:1511.06939), trained with the loss that the options name.</remarks>
public sealed class Gru4RecRecommender : SequentialRecommender
{
    internal const string Kind = "gru4rec";

    internal Gru4RecRecommender(ItemCatalogue catalogue, SequentialModel model, Gru4RecOptions options)
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
    public static Task<Gru4RecRecommender> LoadAsync(string folder, string device = "cpu", CancellationToken cancellationToken = default) =>
        SequentialFolder.LoadAsync<Gru4RecOptions, Gru4RecRecommender>(
            folder,
            Kind,
            device,
            (items, options) => new Gru4RecModel(items, options.Validated()),
            (catalogue, model, options) => new Gru4RecRecommender(catalogue, model, options),
            cancellationToken);
}
