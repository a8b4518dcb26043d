using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging;

namespace MiniOneRec.Modeling;

/// <content>The recommender as a folder: saving, loading, and what a loaded recommender owns.</content>
public sealed partial class GenerativeRecommender
{
    /// <summary>Gets the type of the prior that the recommender had when it was saved and that could not be saved with it, or
    /// <see langword="null"/>.</summary>
    public string? MissingPrior { get; internal set; }

    /// <summary>
    /// Saves model, catalogue, template, options and prior as one folder; an earlier folder stays whole until the new one is complete. A
    /// prior that is no <see cref="ISavableScorer"/> is left out: a warning says so, and the folder's manifest keeps its type.
    /// </summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved model, or holds files of others; nothing is
    /// written.</exception>
    /// <exception cref="InvalidOperationException">A weight is not a finite number; nothing is written.</exception>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        SaveAsync(folder, overwrite: false, cancellationToken);

    /// <summary>Saves model, catalogue, template and options as one folder; an earlier folder stays whole until the new one is
    /// complete.</summary>
    /// <param name="folder">The folder to make or replace; a symbolic link is followed.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">A weight is not a finite number; nothing is written.</exception>
    public Task SaveAsync(string folder, bool overwrite, CancellationToken cancellationToken = default) =>
        SaveAsync(folder, new RecommenderSaveOptions { Overwrite = overwrite }, cancellationToken);

    /// <summary>Saves model, catalogue, template, options and prior as one folder, with the weights as they are or in 8 or 4 bits; an
    /// earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace; a symbolic link is followed.</param>
    /// <param name="options">How to write it.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="ArgumentException">The weights are to be written in a form other than those.</exception>
    /// <exception cref="InvalidOperationException">A weight is not a finite number, exists in a smaller form alone, or does not fit the
    /// form; nothing is written.</exception>
    public Task SaveAsync(string folder, RecommenderSaveOptions options, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return ModelFolder.SaveAsync(_serving.Model, _serving.Settings.Current, _logger, folder, options, cancellationToken);
    }

    /// <summary>Loads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote, as one version even while it is being
    /// replaced.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="device"><c>cpu</c>, <c>cuda</c> or <c>cuda:1</c>.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged or was changed after it was saved, the index is not the one that the model was trained with, or a prior was saved
    /// with the model, which needs a loader.
    /// </exception>
    public static Task<GenerativeRecommender> LoadAsync(string folder, string device = "cpu",
        CancellationToken cancellationToken = default) =>
        ModelFolder.LoadAsync(folder, new RecommenderLoadOptions { Device = device }, cancellationToken);

    /// <summary>Loads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote, with its prior, or with a template or a
    /// backbone of the application's own.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="options">The device, changes of the saved options, and what makes template, backbone and prior again; the recommender
    /// owns the prior.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// A file is damaged or was changed after it was saved, or template, backbone or prior are not registered; the message names what is
    /// missing.
    /// </exception>
    public static Task<GenerativeRecommender> LoadAsync(string folder, RecommenderLoadOptions options,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(options);
        return ModelFolder.LoadAsync(folder, options, cancellationToken);
    }

    internal ILogger Logger => _logger;

    /// <summary>Makes a recommender that owns its model, which is disposed where that fails.</summary>
    internal static GenerativeRecommender Owning(
        SemanticIdModel model, RecommenderOptions? options, ILogger<GenerativeRecommender>? logger, IMeterFactory? meters)
    {
        try
        {
            return new GenerativeRecommender(model, options, logger, meters, ownsModel: true);
        }
        catch
        {
            model.Dispose();
            throw;
        }
    }

    /// <summary>Sets a prior that is disposed with the recommender.</summary>
    internal void Own(IItemScorer? prior)
    {
        Prior = prior;
        AlsoDispose(prior);
    }

    /// <summary>Adds a prior that is disposed with the recommender.</summary>
    internal void Own(PriorShare share)
    {
        AdditionalPriors = [.. AdditionalPriors, share];
        AlsoDispose(share.Scorer);
    }

    private void AlsoDispose(object? part)
    {
        if (part is IDisposable disposable)
        {
            _owned.Add(disposable);
        }
    }
}
