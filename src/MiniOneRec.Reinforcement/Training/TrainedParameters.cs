using MiniOneRec.Modeling;
using TorchSharp.Modules;

namespace MiniOneRec.Reinforcement;

/// <summary>What a run trains: the adapters where the model has some that learn, else all of its own weights that ask for gradients.</summary>
internal sealed class TrainedParameters : IDisposable
{
    private readonly Parameter[] _others;

    public TrainedParameters(CausalLanguageModel model)
    {
        var adapters = model.named_modules()
            .Where(pair => pair.module is Projection)
            .SelectMany(pair => (((Projection)pair.module).Adapter?.Parameters ?? []).Select(parameter => ($"{pair.name}.{parameter.Name}", parameter.Value)))
            .ToArray();
        var own = model.named_parameters().Where(pair => pair.parameter.requires_grad).ToArray();
        All = adapters.Length > 0 ? adapters : [.. own.Select(pair => (pair.name, pair.parameter))];
        if (All.Count == 0)
        {
            throw new ArgumentException("The model has no trainable parameters.", nameof(model));
        }

        _others = adapters.Length > 0 ? [.. own.Select(pair => pair.parameter)] : [];
    }

    /// <summary>Gets the parameters by name.</summary>
    public IReadOnlyList<(string Name, Parameter Parameter)> All { get; }

    /// <summary>Freezes the weights beside adapters until disposed, so that switching the adapters off gives back the policy of the start.</summary>
    public void FreezeOthers() => Learn(false);

    /// <summary>Lets gradients go and frozen weights learn again.</summary>
    public void Dispose()
    {
        foreach (var (_, parameter) in All)
        {
            parameter.grad = null;
        }

        Learn(true);
    }

    private void Learn(bool learns)
    {
        foreach (var parameter in _others)
        {
            parameter.requires_grad = learns;
        }
    }
}
