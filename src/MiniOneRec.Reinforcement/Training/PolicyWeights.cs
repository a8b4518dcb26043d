using MiniOneRec.Modeling;
using MiniOneRec.Training;

namespace MiniOneRec.Reinforcement;

/// <summary>What is trained of a policy.</summary>
internal static class PolicyWeights
{
    /// <summary>Chooses the adapters where the model has some that learn, else all of its own weights that ask for gradients.</summary>
    /// <remarks>Weights beside adapters are frozen, so that switching the adapters off gives back the policy of the start.</remarks>
    /// <exception cref="ArgumentException">The model has nothing to train.</exception>
    public static TrainableSet Of(CausalLanguageModel model)
    {
        var adapters = model.named_modules()
            .Where(pair => pair.module is Projection)
            .SelectMany(pair => (((Projection)pair.module).Adapter?.Parameters ?? [])
                .Select(parameter => ($"{pair.name}.{parameter.Name}", parameter.Value)))
            .ToArray();
        return new TrainableSet(
            model, adapters.Length > 0 ? adapters
            : [.. model.named_parameters().Where(pair => pair.parameter.requires_grad).Select(pair => (pair.name, pair.parameter))]);
    }
}
