using System.Text.Json;
using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using static TorchSharp.torch;

namespace MiniOneRec.Reinforcement;

/// <summary>What the run of a policy and its checkpoints must share.</summary>
internal static class PolicyIdentity
{
    /// <summary>What the names of the policy's own tensors begin with.</summary>
    public const string Prefix = "policy.";

    /// <summary>Makes the identity of a run.</summary>
    /// <param name="stage">The stage, which names the kind of checkpoint.</param>
    /// <param name="options">The options.</param>
    /// <param name="madeFrom">What the run works on, by name.</param>
    public static RunIdentity Of(string stage, PolicyTrainingOptions options, IReadOnlyDictionary<string, string> madeFrom)
    {
        var json = JsonSerializer.SerializeToNode(options, options.GetType(), JsonSerializerOptions.Web)!.AsObject();
        json.Remove("checkpoints");                             // where and how often states are written changes no weight
        json.Remove("maxDuration");                             // nor does how long the run lasts
        return new RunIdentity { Kind = stage + "-checkpoint", MadeFrom = madeFrom, Options = json, WeightPrefix = Prefix };
    }

    /// <summary>Describes what a run works on.</summary>
    /// <param name="stage">What the stage adds: rewards, sampler.</param>
    /// <param name="policy">The model that is improved.</param>
    /// <param name="trained">What is trained of its model.</param>
    /// <param name="reference">The caller's reference, or <see langword="null"/>.</param>
    /// <param name="prompts">The examples.</param>
    /// <param name="heldOut">The validation.</param>
    public static Dictionary<string, string> Describe(
        IReadOnlyDictionary<string, string> stage, SemanticIdModel policy, TrainableSet trained,
        CausalLanguageModel? reference, PromptSource prompts, HeldOut heldOut)
    {
        var model = policy.Backbone;
        return new Dictionary<string, string>(stage)
        {
            ["index"] = policy.Index.Fingerprint,
            ["examples"] = prompts.Fingerprint(),
            ["validation"] = heldOut.IsEmpty ? "no rows" : heldOut.Fingerprint(),
            ["prompts"] =
            $"{policy.Template.Name}, histories of up to {policy.MaxHistoryItems} items, template {prompts.TemplateFingerprint()}",
            ["reference"] = reference is null ? "the policy at the start"
            : WeightsFingerprint.Of(reference.named_parameters().Select(pair => (pair.name, (Tensor)pair.parameter))),
            ["model"] = model.Config.ToJson().ToJsonString(),
            ["frozen weights"] = WeightsFingerprint.Of(trained.Frozen),
            [RunIdentity.StartWeights] = WeightsFingerprint.Of(trained.Tensors),
        };
    }
}
