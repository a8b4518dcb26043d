using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>What a run trains: some weights learn, and all others of the model are frozen until the run is over.</summary>
internal sealed class TrainableSet : IDisposable
{
    private readonly nn.Module _model;
    private readonly Dictionary<string, bool> _learned;

    /// <summary>Freezes what is not trained.</summary>
    /// <param name="model">The model.</param>
    /// <param name="trained">What learns: weights of the model, or others that its forward pass uses, such as adapters.</param>
    /// <exception cref="ArgumentException">Nothing is trained.</exception>
    public TrainableSet(nn.Module model, IReadOnlyList<(string Name, Parameter Value)> trained)
    {
        if (trained.Count == 0)
        {
            throw new ArgumentException("The model has no trainable parameters.", nameof(model));
        }

        (_model, All) = (model, trained);
        _learned = model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter.requires_grad, StringComparer.Ordinal);
        foreach (var (_, parameter) in model.named_parameters())
        {
            parameter.requires_grad = false;
        }

        foreach (var (_, parameter) in trained)
        {
            parameter.requires_grad = true;
        }
    }

    /// <summary>Gets the trained parameters, by name.</summary>
    public IReadOnlyList<(string Name, Parameter Value)> All { get; }

    /// <summary>Gets the same as tensors.</summary>
    public IReadOnlyList<(string Name, Tensor Value)> Tensors => [.. All.Select(pair => (pair.Name, (Tensor)pair.Value))];

    /// <summary>Gets the weights of the model that stay as they are, by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> Frozen
    {
        get
        {
            var trained = All.Select(pair => pair.Value).ToHashSet(ReferenceEqualityComparer.Instance);
            return _model.named_parameters().Where(pair => !trained.Contains(pair.parameter))
                .Select(pair => (pair.name, (Tensor)pair.parameter));
        }
    }

    /// <summary>Lets gradients go, and lets every weight learn that did before.</summary>
    public void Dispose()
    {
        foreach (var (name, parameter) in _model.named_parameters())
        {
            // A model that changed its type has other objects of the same names.
            parameter.requires_grad = _learned.GetValueOrDefault(name);
            parameter.grad = null;
        }

        foreach (var (_, parameter) in All.Where(pair => !pair.Value.IsInvalid))
        {
            parameter.grad = null;
        }
    }
}
