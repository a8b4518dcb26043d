using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>The weights that the optimizer moves, in float32, beside those that the model computes with.</summary>
/// <remarks>
/// In float32 both are one. In another type the optimizer's are copies: the gradients of each micro-batch are added to theirs in float32,
/// and after a step they are rounded into the model.
/// </remarks>
internal sealed class MasterWeights : IDisposable
{
    private readonly List<Entry> _entries;
    private readonly bool _keepsGradients;

    /// <param name="trained">What is trained, in the type of the computation.</param>
    /// <param name="precision">That type, with the exact values of the weights.</param>
    /// <param name="keepsGradients">
    /// Whether gradients lie side by side from the start and are set to zero between steps. That leaves the heap whole for activations;
    /// made on the way, they cut it to pieces. Otherwise they are dropped, and the next ones take their place without a pass over memory.
    /// </param>
    /// <param name="divided">
    /// Whether processes divide the copies among them: then <see cref="Parameters"/> are the model's own, and what moves them keeps the
    /// copies.
    /// </param>
    public MasterWeights(IReadOnlyList<(string Name, Parameter Value)> trained, ModelPrecision precision, bool keepsGradients = false,
        bool divided = false)
    {
        using var noGrad = no_grad();
        _keepsGradients = keepsGradients;
        _entries = [.. trained.Select(pair => new Entry(
            pair.Name, pair.Value, divided || precision.Compute == ScalarType.Float32 || pair.Value.dtype == ScalarType.Float32 ? pair.Value
            : new Parameter(precision.Take(pair.Name, pair.Value), requires_grad: true)))];
        Parameters = [.. _entries.Select(entry => entry.Master)];
        if (keepsGradients)
        {
            using var scope = NewDisposeScope();
            foreach (var master in Parameters)
            {
                master.grad = zeros_like(master);
            }
        }
    }

    /// <summary>Gets the optimizer's weights, float32; the model's where copies are divided.</summary>
    public IReadOnlyList<Parameter> Parameters { get; }

    /// <summary>Gets whether some are copies.</summary>
    public bool HasCopies => _entries.Exists(entry => entry.IsCopy);

    /// <summary>Gets the names of the weights, in the order of <see cref="Parameters"/>.</summary>
    public IEnumerable<string> Names => _entries.Select(entry => entry.Name);

    /// <summary>Takes over the gradients of a micro-batch.</summary>
    public void CollectGradients()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var entry in _entries)
        {
            if (entry.IsCopy && entry.Compute.grad is { } gradient)
            {
                if (entry.Master.grad is { } sum)
                {
                    sum.PlusInPlace(gradient);
                }
                else
                {
                    entry.Master.grad = gradient.to_type(ScalarType.Float32);
                }

                entry.Compute.grad = null;
            }
        }
    }

    /// <summary>Drops the gradients, or sets them to zero where they are kept.</summary>
    public void DropGradients()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var entry in _entries)
        {
            if (_keepsGradients)
            {
                entry.Master.grad?.zero_();
            }
            else
            {
                entry.Master.grad = null;
            }

            if (entry.IsCopy)
            {
                entry.Compute.grad = null;
            }
        }
    }

    /// <summary>Lets the model see the optimizer's weights.</summary>
    public void Publish()
    {
        using var noGrad = no_grad();
        foreach (var entry in _entries.Where(entry => entry.IsCopy))
        {
            entry.Compute.copy_(entry.Master);
        }
    }

    /// <summary>Copies the optimizer's weights, exact as they are, into tensors of the same names.</summary>
    public void CopyTo(IEnumerable<(string Name, Tensor Value)> targets)
    {
        using var noGrad = no_grad();
        var masters = _entries.ToDictionary(entry => entry.Name, entry => entry.Master, StringComparer.Ordinal);
        foreach (var (name, target) in targets)
        {
            if (!ReferenceEquals(target, masters[name]))
            {
                target.copy_(masters[name]);
            }
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        foreach (var entry in _entries.Where(entry => !entry.Master.IsInvalid))     // a model that changed its type has others
        {
            entry.Master.grad = null;
            if (entry.IsCopy)
            {
                entry.Master.Dispose();
            }
        }

        _entries.Clear();
    }

    private sealed record Entry(string Name, Parameter Compute, Parameter Master)
    {
        public bool IsCopy => !ReferenceEquals(Compute, Master);
    }
}
