using System.Text.Json.Nodes;
using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>What a checkpoint and the run that continues it must share.</summary>
internal sealed record RunIdentity
{
    /// <summary>The name under which the fingerprint of the trained weights before training stands.</summary>
    public const string StartWeights = "weights at the start";

    /// <summary>Gets the kind of the checkpoint's manifest, which names the stage.</summary>
    public required string Kind { get; init; }

    /// <summary>Gets fingerprints and descriptions of what the run works on, by what they are of.</summary>
    public IReadOnlyDictionary<string, string> MadeFrom { get; init; } = new Dictionary<string, string>();

    /// <summary>Gets the run's options, without those that change no weight.</summary>
    public JsonObject Options { get; init; } = [];

    /// <summary>Gets the options that may differ from those of a checkpoint, by path, for example <c>lora.saveTo</c>.</summary>
    public IReadOnlyCollection<string> Free { get; init; } = [];

    /// <summary>Gets what the names of the trained weights begin with among the tensors of a checkpoint.</summary>
    public string WeightPrefix { get; init; } = "weight.";

    /// <summary>Compares options and fingerprints with those of a checkpoint.</summary>
    /// <param name="manifest">The checkpoint's manifest.</param>
    /// <param name="checkpoint">The checkpoint, for the message.</param>
    /// <exception cref="InvalidDataException">The checkpoint is of another run; the message names every difference.</exception>
    public void Check(ArtifactManifest manifest, string checkpoint)
    {
        var differences = new List<string>();
        foreach (var (what, here) in MadeFrom.Where(pair => pair.Key != StartWeights && IsKnown(manifest, pair.Key)))
        {
            if (manifest.MadeFrom.GetValueOrDefault(what) is var there && there != here)
            {
                differences.Add($"{what} ({there ?? "none"} there, {here} here)");
            }
        }

        Compare("", manifest.Options["options"] as JsonObject ?? [], Options, differences);
        Refuse(checkpoint, differences);
    }

    /// <summary>Compares the weights before training with those that a checkpoint's run began with.</summary>
    /// <remarks>A run that was cancelled may go on with the model that it left in memory: its weights are the checkpoint's.</remarks>
    /// <param name="manifest">The checkpoint's manifest.</param>
    /// <param name="checkpoint">The checkpoint, for the message.</param>
    /// <param name="own">The run's tensors, or parts of them.</param>
    /// <param name="stored">Gives the checkpoint's tensor of a name and a shape.</param>
    /// <exception cref="InvalidDataException">The run began with other weights.</exception>
    public void CheckWeights(ArtifactManifest manifest, string checkpoint, IReadOnlyList<StatePart> own,
        Func<string, IReadOnlyList<long>, Tensor> stored)
    {
        string? there = manifest.MadeFrom.GetValueOrDefault(StartWeights);
        if (!MadeFrom.TryGetValue(StartWeights, out string? here) || !IsKnown(manifest, StartWeights) || there == here
            || own.Where(part => part.Name.StartsWith(WeightPrefix, StringComparison.Ordinal)).All(IsStored))
        {
            return;
        }

        Refuse(checkpoint, [$"the {StartWeights} are others ({there ?? "none"} there, {here} here); "
            + "begin with the weights that the run began with, and seed what makes random ones"]);

        bool IsStored(StatePart part)
        {
            using var scope = NewDisposeScope();
            var values = stored(part.Name, part.Shape).reshape(-1).narrow(0, part.At, part.Value.numel());
            return WeightsFingerprint.Of([(part.Name, values)]) == WeightsFingerprint.Of([(part.Name, part.Value.reshape(-1))]);
        }
    }

    // A number such as 1e99999999999 in a damaged file cannot be compared, and is no option's value.
    private static bool AreEqual(JsonNode? there, JsonNode? here)
    {
        try
        {
            return JsonNode.DeepEquals(there, here);
        }
        catch (ArgumentOutOfRangeException)
        {
            return false;
        }
    }

    // Checkpoints of version 0.1 know fewer fingerprints.
    private static bool IsKnown(ArtifactManifest manifest, string what) => manifest.Files.Count > 0 || manifest.MadeFrom.ContainsKey(what);

    private void Compare(string at, JsonObject there, JsonObject here, List<string> differences)
    {
        foreach (string key in here.Select(pair => pair.Key).Union(there.Select(pair => pair.Key)))
        {
            string path = at.Length == 0 ? key : $"{at}.{key}";
            if (Free.Contains(path))
            {
                continue;
            }

            if (there[key] is JsonObject old && here[key] is JsonObject current)
            {
                Compare(path, old, current, differences);
            }
            else if (!AreEqual(there[key], here[key]))
            {
                differences.Add($"{path} ({there[key]?.ToJsonString() ?? "none"} there, {here[key]?.ToJsonString() ?? "none"} here)");
            }
        }
    }

    private static void Refuse(string checkpoint, List<string> differences)
    {
        if (differences.Count > 0)
        {
            throw new InvalidDataException(
                $"Checkpoint '{checkpoint}' is of another run: {string.Join("; ", differences)}. "
                + "Give another Checkpoints.Folder, or set Checkpoints.Resume to false to replace it.");
        }
    }
}
