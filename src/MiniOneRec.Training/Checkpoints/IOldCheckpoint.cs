using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>Reads the checkpoint that version 0.1 wrote in a form of its own.</summary>
internal interface IOldCheckpoint<TState>
    where TState : RunState
{
    /// <summary>Gets the name of the file by which it is known, where the folder holds one that may be this run's; else
    /// <see langword="null"/>.</summary>
    string? File { get; }

    /// <summary>Reads it.</summary>
    /// <param name="identity">What the run must share.</param>
    /// <param name="tensors">Tensors to fill, by name; untouched where anything is wrong.</param>
    /// <param name="best">Where the best weights go.</param>
    /// <returns>Where the run stands, and the environment of the run where the checkpoint tells it.</returns>
    /// <exception cref="InvalidDataException">The checkpoint is damaged or of another run.</exception>
    (TState State, string? Environment) Load(RunIdentity identity, IReadOnlyList<(string Name, Tensor Value)> tensors, IWeightStore best);

    /// <summary>Deletes it, once a newer checkpoint is whole or where the run begins anew.</summary>
    void Delete();
}
