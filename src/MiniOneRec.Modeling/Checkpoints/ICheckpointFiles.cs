namespace MiniOneRec.Modeling;

/// <summary>Writes files that belong to a checkpoint beside its weights, for example those of a tokenizer.</summary>
public interface ICheckpointFiles
{
    /// <summary>Writes the files.</summary>
    /// <param name="folder">The folder of the checkpoint.</param>
    /// <param name="cancellationToken">Stops the writing.</param>
    Task SaveAsync(string folder, CancellationToken cancellationToken = default);
}
