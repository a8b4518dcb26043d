using System.Text.Json;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>What a run of fine-tuning and its checkpoints must share.</summary>
internal static class SftIdentity
{
    /// <summary>The name of the fingerprint of a model's item vectors.</summary>
    private const string Content = "content";

    // Where the trained adapters are saved; checkpoints hold it among the options.
    private const string AdapterFolder = "lora.saveTo";

    // Where a run writes changes no weight, and its time may be another one later.
    private static readonly string[] Places =
    [
        nameof(SftOptions.Checkpoints), nameof(SftOptions.RunLog), nameof(SftOptions.MaxDuration),
        nameof(SftOptions.LearningRateFollowsTime),
    ];

    /// <summary>Takes a fingerprint of a model before training, of adapters that it has already too.</summary>
    public static string WeightsOf(CausalLanguageModel model) => WeightsFingerprint.Of(
        model.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))
            .Concat((LoraAdapters.Of(model)?.Tensors() ?? []).Select(pair => (pair.Name, (Tensor)pair.Value)))
            .DistinctBy(pair => pair.Item1)
            .Concat(ContentWeights.Of(model).Select(pair => (pair.Name, (Tensor)pair.Value))));

    /// <summary>Makes the identity of a run.</summary>
    /// <param name="options">The options.</param>
    /// <param name="madeFrom">What the run works on, by name.</param>
    public static RunIdentity Of(SftOptions options, IReadOnlyDictionary<string, string> madeFrom)
    {
        var json = ArtifactManifest.ToOptions(options);
        string[] needless = madeFrom.ContainsKey(Content) ? Places : [.. Places, nameof(SftOptions.Content)];
        foreach (string place in needless)
        {
            json.Remove(JsonNamingPolicy.CamelCase.ConvertName(place));
        }

        return new RunIdentity { Kind = "sft-checkpoint", MadeFrom = madeFrom, Options = json, Free = [AdapterFolder] };
    }

    /// <summary>Describes what a run works on.</summary>
    /// <param name="model">The model.</param>
    /// <param name="weights">What is trained of it.</param>
    /// <param name="samples">The tasks' samples.</param>
    /// <param name="trees">The samples of the first epoch.</param>
    /// <param name="validator">The validation, or <see langword="null"/>.</param>
    /// <param name="start">The fingerprint of the weights before training.</param>
    public static Dictionary<string, string> Describe(
        CausalLanguageModel model, TrainedWeights weights, EpochSamples samples, List<SampleTree> trees, Validator? validator, string start)
    {
        using var of = new DataFingerprint();
        of.Add(model.Config.ToJson().ToJsonString());
        foreach (var (name, value) in weights.Names.Zip(weights.Masters))
        {
            of.Add(name).Add(string.Join(',', value.shape));
        }

        foreach (var (name, value) in weights.Frozen)
        {
            bool moves = model.NewRows is not null
                && (ReferenceEquals(value, model.EmbeddingWeight) || ReferenceEquals(value, model.HeadWeight));
            using var old = moves ? value.narrow(0, 0, model.NewRows!.First) : value.alias();
            of.Add(name).Add(old);
        }

        using var data = new DataFingerprint();
        data.Add(trees);
        validator?.AddTo(data);
        var content = model.Content is { } part ? new Dictionary<string,
            string> { [Content] = $"{part.Content.Fingerprint} {part.Describe().ToJsonString()}" } : [];
        return new Dictionary<string, string>(content)
        {
            ["model"] = of.Finish(),
            ["data"] = data.Finish(),
            ["tasks"] = string.Join(", ", samples.TaskIds.OrderBy(pair => pair.Value).Select(pair => pair.Key)),
            ["validation"] = validator?.Fingerprint() ?? "no rows",
            [RunIdentity.StartWeights] = start,
        };
    }
}
