using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>Writes tensors to a file; replaceable for tests of failing disks.</summary>
internal delegate Task TensorWriter(string path, IReadOnlyList<(string, Tensor)> tensors);

/// <summary>The checkpoints of a run, from which an interrupted one goes on with identical bits.</summary>
/// <remarks>
/// A checkpoint is a folder <c>step-N</c> with a manifest and one file of tensors, or one of each process, written aside and renamed, so
/// that at every moment at least one is whole; older ones are deleted after that. The best weights lie beside it as
/// <c>best-N.safetensors</c> and are deleted only when no checkpoint names them any more. The manifest has the hashes of all these files,
/// the options, and fingerprints of what the run works on.
/// </remarks>
/// <param name="folder">The folder.</param>
/// <param name="identity">What a continued run must share.</param>
/// <param name="old">Reads what version 0.1 wrote, or <see langword="null"/> where that has the same form.</param>
/// <param name="write">Writes tensors, or <see langword="null"/> for the ordinary writer.</param>
internal sealed class RunCheckpoint<TState>(string folder, RunIdentity identity, IOldCheckpoint<TState>? old = null,
    TensorWriter? write = null) : IWeightStore
    where TState : RunState
{
    private static readonly JsonSerializerOptions Strict = new(JsonSerializerDefaults.Web) { RespectNullableAnnotations = true };
    private readonly CheckpointFolder _files = new(folder);
    private readonly TensorWriter _write = write ?? ((path, tensors) => SafetensorsFile.SaveAsync(path, tensors));

    /// <summary>Gets the newest whole checkpoint, or <see langword="null"/>.</summary>
    public string? Latest => _files.Latest ?? (old?.File is { } file ? Path.Combine(folder, file) : null);

    /// <summary>Gets the environment of the checkpoint that <see cref="Load"/> read, where it is known and not this process's.</summary>
    public string? OtherEnvironment { get; private set; }

    /// <summary>Deletes what an earlier run left, for one that is not to be continued, or the unfinished files of one that is.</summary>
    /// <exception cref="IOException">The folder belongs to another stage; nothing is deleted.</exception>
    /// <exception cref="InvalidDataException">The only checkpoint lacks files; nothing is deleted.</exception>
    public void Begin(bool resume)
    {
        _files.Begin(old?.File);
        if (resume && Latest is null && _files.Broken().ToArray() is [.., (var path, var lack)])
        {
            throw new InvalidDataException(
                $"Checkpoint '{path}' is not whole: {lack}, and there is no earlier one. Put the file back, or set Checkpoints.Resume to "
                + "false to begin anew.");
        }

        if (!resume)
        {
            _files.Clear(identity.Kind);
            DeleteOld();
        }
    }

    /// <summary>Reads the newest checkpoint, if there is one.</summary>
    /// <param name="tensors">Tensors to fill, by name; untouched where anything is wrong.</param>
    /// <returns>Where the run stands, or <see langword="null"/>.</returns>
    /// <exception cref="InvalidDataException">
    /// The checkpoint is damaged or of another model, other weights, other data or other options; the message names the difference.
    /// </exception>
    public TState? Load(IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        if (_files.Latest is not { } latest)
        {
            if (old?.File is null)
            {
                return null;
            }

            (var state, string? environment) = old.Load(identity, tensors, this);
            NoteEnvironment(environment);
            return state;
        }

        using var stored = ArtifactFolder.LoadAsync(
            latest, CheckpointFolder.ManifestFile, identity.Kind, (manifest, at) => Task.FromResult(Read(manifest, at, tensors)))
            .GetAwaiter().GetResult();
        foreach (var best in stored.State.Best)
        {
            CheckBest(best);
        }

        stored.Tensors.CopyInto(tensors);
        NoteEnvironment(stored.Environment);
        return stored.State;
    }

    /// <summary>Opens the newest checkpoint of several processes, whose tensors are read one at a time.</summary>
    /// <param name="wholes">The tensors that the run needs; of their values only those of <paramref name="own"/> are looked at.</param>
    /// <param name="own">What this process has of them.</param>
    /// <inheritdoc cref="Load" path="/exception"/>
    public (TState State, StateFiles Files) Open(
        IReadOnlyList<(string Name, IReadOnlyList<long> Shape)> wholes, IReadOnlyList<StatePart> own)
    {
        if (_files.Latest is not { } latest)
        {
            throw new InvalidDataException(
                $"The checkpoint in '{folder}' is of version 0.1, which one process or Sharding.None can read; end its run so.");
        }

        var (state, files, environment) = ArtifactFolder.LoadAsync(
            latest, CheckpointFolder.ManifestFile, identity.Kind, (manifest, at) =>
            {
                identity.Check(manifest, at);
                var read = StateOf<TState>(manifest, Path.Combine(at, CheckpointFolder.ManifestFile));
                var tensors = StateFiles.Open(at);
                foreach (var (name, shape) in wholes)
                {
                    using var one = tensors.Load([name]);
                    one.Get(name, [.. shape]);
                }

                identity.CheckWeights(manifest, at, own, (name, shape) =>
                {
                    using var one = tensors.Load([name]);
                    return one.Get(name, [.. shape]).alias();
                });
                return Task.FromResult((read, tensors, RunEnvironment.From(manifest.Options["environment"])?.ToString()));
            }).GetAwaiter().GetResult();
        foreach (var best in state.Best)
        {
            CheckBest(best);
        }

        NoteEnvironment(environment);
        return (state, files);
    }

    /// <summary>Writes a checkpoint, then deletes what it makes needless.</summary>
    /// <param name="state">Where the run stands.</param>
    /// <param name="tensors">Everything that the next steps depend on: weights, moments, averages.</param>
    /// <param name="shards">Writes the files of all processes into the folder that it is given, in place of
    /// <paramref name="tensors"/>.</param>
    /// <exception cref="IOException">The disk is full or the like; the earlier checkpoint is whole.</exception>
    public void Save(TState state, IReadOnlyList<(string Name, Tensor Value)> tensors, Action<string>? shards = null)
    {
        string path = _files.CheckpointPath(state.Step);
        try
        {
            ArtifactFolder.SaveAsync(path, CheckpointFolder.ManifestFile, identity.Kind, async aside =>
            {
                if (shards is null)
                {
                    await _write(Path.Combine(aside, StateFiles.Whole), tensors).ConfigureAwait(false);
                }
                else
                {
                    shards(aside);
                }

                var stands = new JsonObject
                {
                    ["options"] = identity.Options.DeepClone(),
                    ["state"] = JsonSerializer.SerializeToNode(state, Strict),
                    ["environment"] = RunEnvironment.Current().ToJson(),
                };
                if (shards is not null)
                {
                    stands[CheckpointFolder.Sizes] = CheckpointFolder.SizesOf(aside);
                }

                return new ArtifactManifest { Kind = identity.Kind, MadeFrom = identity.MadeFrom, Options = stands };
            }).GetAwaiter().GetResult();
        }
        catch (IOException e)
        {
            throw Failed($"The checkpoint of step {state.Step}", e);
        }

        _files.Keep(path, state.Best);
        DeleteOld();
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The disk is full or the like; the earlier checkpoint is whole.</exception>
    string? IWeightStore.Save(long step, IReadOnlyList<StatePart> weights)
    {
        try
        {
            string path = _files.BestPath(step);
            _write(path, Pairs(weights)).GetAwaiter().GetResult();
            return ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult();
        }
        catch (IOException e)
        {
            throw Failed($"The weights of step {step}, good in validation,", e);
        }
    }

    /// <inheritdoc/>
    /// <exception cref="InvalidDataException">The file is damaged or is not the one that was written.</exception>
    void IWeightStore.Load(KeptWeights kept, IReadOnlyList<StatePart> weights)
    {
        CheckBest(kept);
        using var stored = StoredTensors.Load(_files.BestPath(kept.Step));
        stored.CopyInto(Pairs(weights));
    }

    // The next checkpoint deletes the file: the one before it may still name it.
    void IWeightStore.Forget(KeptWeights kept)
    {
    }

    /// <summary>Reads a state from a manifest.</summary>
    /// <param name="manifest">The manifest.</param>
    /// <param name="path">Its file, for messages.</param>
    /// <exception cref="InvalidDataException">The state is missing or damaged.</exception>
    internal static T StateOf<T>(ArtifactManifest manifest, string path)
        where T : RunState
    {
        try
        {
            var state = manifest.Options["state"].Deserialize<T>(Strict)
                ?? throw new InvalidDataException($"'{path}': key 'options.state' is missing.");
            return state.IsWhole() ? state
                : throw new InvalidDataException(
                    $"'{path}': key 'options.state' has a negative number or a null, or no finite figure for its best weights.");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or OverflowException)
        {
            throw new InvalidDataException($"'{path}': key 'options.state' does not say where the run stands: {e.Message}", e);
        }
    }

    private StoredRun Read(ArtifactManifest manifest, string at, IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        identity.Check(manifest, at);
        var state = StateOf<TState>(manifest, Path.Combine(at, CheckpointFolder.ManifestFile));
        var stored = StateFiles.Open(at).Load();
        try
        {
            stored.Check(tensors);
            identity.CheckWeights(
                manifest, at, [.. tensors.Select(pair => (StatePart)pair)], (name, shape) => stored.Get(name, [.. shape]));
            return new StoredRun(state, stored, RunEnvironment.From(manifest.Options["environment"])?.ToString());
        }
        catch
        {
            stored.Dispose();
            throw;
        }
    }

    private static (string Name, Tensor Value)[] Pairs(IReadOnlyList<StatePart> wholes) =>
        [.. wholes.Select(part => (part.Name, part.Value))];

    private void NoteEnvironment(string? environment) => OtherEnvironment = environment == RunEnvironment.Current().ToString() ? null
        : environment;

    private void DeleteOld()
    {
        if (old?.File is not null)
        {
            old.Delete();
        }
    }

    private void CheckBest(KeptWeights best)
    {
        string path = _files.BestPath(best.Step);
        if (!File.Exists(path))
        {
            throw new InvalidDataException($"File '{path}' does not exist; the checkpoint names it as weights that did well.");
        }

        if (best.Sha256 is not null && ArtifactManifest.HashFileAsync(path).GetAwaiter().GetResult() != best.Sha256)
        {
            throw new InvalidDataException(
                $"File '{path}' was damaged or changed: its SHA-256 is not {best.Sha256}, with which it was written.");
        }
    }

    private IOException Failed(string what, IOException e) =>
        new(
            $"{what} could not be written: "
            + $"{e.Message} {(Latest is { } whole ? $"The checkpoint '{whole}' is whole." : "There is no earlier checkpoint.")}", e);

    private sealed record StoredRun(TState State, StoredTensors Tensors, string? Environment) : IDisposable
    {
        public void Dispose() => Tensors.Dispose();
    }
}
