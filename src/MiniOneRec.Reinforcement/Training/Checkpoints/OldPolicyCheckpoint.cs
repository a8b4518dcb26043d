using System.Text.Json.Serialization;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>Reads the checkpoint of a policy as version 0.1 wrote it: manifest and tensors in the folder itself, the best weights among the
/// tensors.</summary>
/// <param name="folder">The folder.</param>
/// <param name="kind">The kind of the manifest.</param>
internal sealed class OldPolicyCheckpoint(string folder, string kind) : IOldCheckpoint<PolicyState>
{
    private const string ManifestFile = "checkpoint.json";
    private const string TensorFile = "state.safetensors";
    private const string BestPrefix = "best.";

    /// <inheritdoc/>
    public string? File => System.IO.File.Exists(Path.Combine(folder, ManifestFile)) && IsOurs() ? ManifestFile : null;

    /// <inheritdoc/>
    public (PolicyState State, string? Environment) Load(RunIdentity identity, IReadOnlyList<(string Name, Tensor Value)> tensors,
        IWeightStore best)
    {
        using var stored = ArtifactFolder.LoadAsync(
            folder, ManifestFile, kind, (manifest, at) => Task.FromResult(Read(manifest, at, identity, tensors))).GetAwaiter().GetResult();
        (string Name, Tensor Value)[] kept =
        [
            .. stored.Tensors.All.Where(pair => pair.Name.StartsWith(BestPrefix, StringComparison.Ordinal))
                .Select(pair => (pair.Name[BestPrefix.Length..], pair.Value)),
        ];
        var state = stored.State with { SinceBest = stored.State.WithoutGain };
        if (double.IsFinite(state.BestValidation) && kept.Length > 0)
        {
            state = state with { Best = [new KeptWeights(state.BestStep, state.BestValidation, best.Save(state.BestStep, [.. kept]))] };
        }

        stored.Tensors.CopyInto(tensors);
        return (state, stored.Environment);
    }

    /// <inheritdoc/>
    public void Delete()
    {
        System.IO.File.Delete(Path.Combine(folder, ManifestFile));
        System.IO.File.Delete(Path.Combine(folder, TensorFile));
    }

    private static StoredRun Read(ArtifactManifest manifest, string at, RunIdentity identity,
        IReadOnlyList<(string Name, Tensor Value)> tensors)
    {
        identity.Check(manifest, at);
        var state = RunCheckpoint<PolicyState>.StateOf<OldState>(manifest, Path.Combine(at, ManifestFile));
        var stored = StoredTensors.Load(Path.Combine(at, TensorFile));
        try
        {
            stored.Check(tensors);
            stored.Check(tensors.Where(pair => pair.Name.StartsWith(identity.WeightPrefix, StringComparison.Ordinal))
                .Select(pair => (BestPrefix + pair.Name[identity.WeightPrefix.Length..], pair.Value))
                    .Where(pair => stored.Has(pair.Item1)));
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

    // A damaged manifest is reported when it is read.
    private bool IsOurs()
    {
        try
        {
            return ArtifactManifest.LoadAsync(Path.Combine(folder, ManifestFile)).GetAwaiter().GetResult().Kind == kind;
        }
        catch (InvalidDataException)
        {
            return true;
        }
    }

    private sealed record StoredRun(OldState State, StoredTensors Tensors, string? Environment) : IDisposable
    {
        public void Dispose() => Tensors.Dispose();
    }

    private sealed record OldState : PolicyState
    {
        public long BestStep { get; init; }

        [JsonNumberHandling(JsonNumberHandling.AllowNamedFloatingPointLiterals)]
        public double BestValidation { get; init; } = double.NaN;

        public int WithoutGain { get; init; }

        public override bool IsWhole() => base.IsWhole() && this is { BestStep: >= 0, WithoutGain: >= 0 };
    }
}
