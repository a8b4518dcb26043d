namespace MiniOneRec.Datasets;

/// <summary>A log of interactions that an engine filters and splits.</summary>
/// <remarks>
/// The steps and their order are those of <see cref="PreparationOptions"/>, so that engines give the same data set for the same log. One
/// call runs at a time; a source may be used again after a call ends.
/// </remarks>
public interface IInteractionSource
{
    /// <summary>Prepares the log and returns the data set in memory.</summary>
    /// <param name="options">The steps, or <see langword="null"/> for the defaults.</param>
    /// <param name="observer">Is told of guesses and steps, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the work; nothing is left behind.</param>
    /// <exception cref="IOException">A file is missing or cannot be read, or the disk is full.</exception>
    /// <exception cref="InvalidDataException">A file is bad, a column is missing, or a step leaves nothing; the message names file, row or
    /// column, and the option.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    Task<SplitDataset> LoadAsync(
        PreparationOptions? options = null, IPreparationObserver? observer = null, CancellationToken cancellationToken = default);

    /// <summary>Prepares the log and writes the data set to a folder from which it can be streamed.</summary>
    /// <param name="folder">The folder to make or replace. It is written aside and renamed.</param>
    /// <param name="options">The steps, or <see langword="null"/> for the defaults.</param>
    /// <param name="observer">Is told of guesses and steps, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Stops the work; an earlier folder stays.</param>
    /// <returns>What was done.</returns>
    /// <exception cref="IOException">A file is missing or cannot be read, the disk is full, or the folder holds something else.</exception>
    /// <exception cref="InvalidDataException">A file is bad, a column is missing, or a step leaves nothing; the message names file, row or
    /// column, and the option.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    Task<PreparationReport> SaveAsync(
        string folder, PreparationOptions? options = null, IPreparationObserver? observer = null,
        CancellationToken cancellationToken = default);
}
