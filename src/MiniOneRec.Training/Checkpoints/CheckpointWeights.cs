using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>Takes the weights out of the checkpoints of a run that did not end.</summary>
public static class CheckpointWeights
{
    // What the stages write before the names of the weights: fine-tuning, policies.
    private static readonly string[] Prefixes = ["weight.", "policy."];

    /// <summary>Copies the weights of a checkpoint, of one process or of several, into a model of the same shape.</summary>
    /// <param name="path">The folder of a run's checkpoints, of which the newest whole one is taken, or one of its folders
    /// <c>step-N</c>.</param>
    /// <param name="model">The model; unchanged where anything is wrong.</param>
    /// <returns>The steps that the run had done.</returns>
    /// <exception cref="DirectoryNotFoundException">There is no whole checkpoint.</exception>
    /// <exception cref="InvalidDataException">A file is damaged, the checkpoint is of another shape, or it has no whole
    /// weights.</exception>
    public static long Load(string path, nn.Module model)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(model);
        string latest = File.Exists(Path.Combine(path, CheckpointFolder.ManifestFile)) ? path : new CheckpointFolder(path).Latest
            ?? throw new DirectoryNotFoundException($"There is no whole checkpoint in '{Path.GetFullPath(path)}'.");
        return ArtifactFolder.LoadAsync(latest, CheckpointFolder.ManifestFile, null, (manifest, at) =>
        {
            Copy(StateFiles.Open(at), at, model);
            return Task.FromResult((long?)manifest.Options["state"]?["step"] ?? 0);
        }).GetAwaiter().GetResult();
    }

    private static void Copy(StateFiles files, string at, nn.Module model)
    {
        var parameters = model.named_parameters().ToArray();
        string prefix = Prefixes.FirstOrDefault(prefix => parameters.All(pair => files.Has(prefix + pair.name)))
            ?? throw new InvalidDataException(
                $"Checkpoint '{at}' does not hold all weights of the model: its run trained adapters or some rows, or another model. "
                + "Let the run end, which leaves the model whole.");
        foreach (bool copies in (bool[])[false, true])
        {
            foreach (var (name, parameter) in parameters)
            {
                using var noGrad = no_grad();
                using var stored = files.Load([prefix + name]);
                var value = stored.Get(prefix + name, parameter.shape);
                if (copies)
                {
                    parameter.copy_(value);
                }
            }
        }
    }
}
