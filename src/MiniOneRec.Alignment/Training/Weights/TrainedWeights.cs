using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using MiniOneRec.Training;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>What a run trains, in float32 for the optimizer and in the type of the computation for the model.</summary>
/// <remarks>
/// In float32 both are one. In bfloat16 the optimizer's weights are copies; each micro-batch's gradients are added to theirs in float32, and after
/// a step they are rounded into the model. What is not trained needs no gradient and is, in the end, what it was before to the last bit.
/// </remarks>
internal sealed class TrainedWeights : IDisposable
{
    private readonly CausalLanguageModel _model;
    private readonly SftOptions _options;
    private readonly ScalarType _original;
    private readonly List<Entry> _entries = [];
    private readonly Dictionary<string, Tensor> _frozenOriginals = [];
    private readonly TokenRows? _rows;
    private readonly LoraAdapters? _adapters;
    private readonly bool _ownsAdapters;

    /// <param name="model">The model.</param>
    /// <param name="options">Which weights are trained, and in which precision.</param>
    /// <param name="firstNewRow">The first row of the codes in embedding and head.</param>
    public TrainedWeights(CausalLanguageModel model, SftOptions options, int firstNewRow)
    {
        (_model, _options, _original) = (model, options, model.EmbeddingWeight.dtype);
        var compute = options.Precision == TrainingPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32;
        bool partial = options.FreezeBackbone || options.Lora is not null;
        using var noGrad = no_grad();
        if (options.Lora is { } wanted && LoraAdapters.Of(model) is null)
        {
            LoraAdapters.CheckTargets(model, wanted);           // before the model's type changes and its weights are frozen
        }

        // Rounding to bfloat16 loses digits: exact values are taken before the model changes its type.
        var exact = new Dictionary<string, Tensor>();
        if (compute != _original)
        {
            foreach (var (name, parameter) in compute == ScalarType.BFloat16 ? model.named_parameters() : [])
            {
                (partial ? _frozenOriginals : exact)[name] = Clone(parameter, ScalarType.Float32);
            }

            model.to(compute);
        }

        foreach (var (_, parameter) in model.named_parameters())
        {
            parameter.requires_grad = !partial;
        }

        if (options.Lora is { } lora)
        {
            _adapters = LoraAdapters.Of(model);
            _ownsAdapters = _adapters is null;
            _adapters ??= LoraAdapters.Attach(model, lora);
            _adapters.ConvertTo(compute);
        }

        if (options.FreezeBackbone || options.Lora is { TrainNewRows: true })
        {
            model.NewRows = _rows = new TokenRows(model, firstNewRow);
        }

        foreach (var (name, parameter) in Trained(partial))
        {
            _entries.Add(compute == ScalarType.Float32
                ? new Entry(name, parameter, parameter)
                : new Entry(name, parameter, new Parameter(exact.Remove(name, out var value) ? value : Clone(parameter, ScalarType.Float32), requires_grad: true)));
        }

        Masters = [.. _entries.Select(entry => entry.Master)];
        if (options.GradientCheckpointing)
        {
            // Gradients that lie side by side from the start leave the heap whole for activations; made on the way, they cut it to pieces.
            using var scope = NewDisposeScope();
            foreach (var master in Masters)
            {
                master.grad = zeros_like(master);
            }
        }
    }

    /// <summary>Gets the optimizer's weights, float32.</summary>
    public IReadOnlyList<Parameter> Masters { get; }

    /// <summary>Gets the names of the weights, in the order of <see cref="Masters"/>.</summary>
    public IEnumerable<string> Names => _entries.Select(entry => entry.Name);

    /// <summary>Gets the weights that stay as they are, by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> Frozen
    {
        get
        {
            var trained = Names.ToHashSet(StringComparer.Ordinal);
            return _model.named_parameters().Where(pair => !trained.Contains(pair.name)).Select(pair => (pair.name, (Tensor)pair.parameter));
        }
    }

    /// <summary>Takes over the gradients of a micro-batch.</summary>
    public void CollectGradients()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var entry in _entries)
        {
            if (!ReferenceEquals(entry.Compute, entry.Master) && entry.Compute.grad is { } gradient)
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

    /// <summary>
    /// Drops the gradients, so that the next ones take their place without a pass over memory; where memory counts more than time they are set to zero
    /// instead, because activations that move into freed gradients leave no room for the next ones.
    /// </summary>
    public void DropGradients()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var entry in _entries)
        {
            if (_options.GradientCheckpointing)
            {
                entry.Master.grad?.zero_();
            }
            else
            {
                entry.Master.grad = null;
            }

            if (!ReferenceEquals(entry.Compute, entry.Master))
            {
                entry.Compute.grad = null;
            }
        }
    }

    /// <summary>Lets the model see the optimizer's weights.</summary>
    public void Publish()
    {
        using var noGrad = no_grad();
        foreach (var entry in _entries)
        {
            if (!ReferenceEquals(entry.Compute, entry.Master))
            {
                entry.Compute.copy_(entry.Master);
            }
        }

        _rows?.Publish();
    }

    /// <summary>Overwrites the optimizer's weights and lets the model see them.</summary>
    public void Put(IReadOnlyList<Tensor> values)
    {
        WeightCopy.Put(Masters, values);
        Publish();
    }

    /// <summary>Leaves the model with the trained weights in the type that it had, everything trainable, adapters saved and merged as the options say.</summary>
    public void Finish()
    {
        using var noGrad = no_grad();
        Publish();
        if (_rows is not null)
        {
            _model.NewRows = null;
        }

        if (_model.EmbeddingWeight.dtype != _original)
        {
            _model.to(_original);
            _adapters?.ConvertTo(_original);
        }

        Restore();
        if (_options.Lora is { SaveTo: { } folder })
        {
            _adapters!.SaveAsync(folder, firstRow: _rows?.First).GetAwaiter().GetResult();
        }

        Release();
        if (_options.Lora is { Merge: true })
        {
            _adapters!.Merge();
        }
    }

    public void Dispose()
    {
        _model.NewRows = null;
        if (_model.EmbeddingWeight.dtype != _original)
        {
            using var noGrad = no_grad();
            _model.to(_original);
            _adapters?.ConvertTo(_original);
            Restore();
        }

        foreach (var (_, parameter) in _model.named_parameters())
        {
            parameter.requires_grad = true;
            parameter.grad = null;
        }

        Release();
        if (_ownsAdapters && _options.Lora is { Merge: true })
        {
            _adapters!.Dispose();
        }

        _rows?.Dispose();
        foreach (var value in _frozenOriginals.Values)
        {
            value.Dispose();
        }
    }

    private void Release()
    {
        foreach (var entry in _entries)
        {
            entry.Master.grad = null;
            if (!ReferenceEquals(entry.Compute, entry.Master))
            {
                entry.Master.Dispose();
            }
        }

        _entries.Clear();
    }

    // Exact float32 weights where the model computed in bfloat16, and exact frozen ones where it changed its type.
    private void Restore()
    {
        foreach (var (name, value) in _frozenOriginals)
        {
            using var _ = NewDisposeScope();
            var target = _model.get_parameter(name)!;
            bool isRows = _rows is not null && DecoderTensorNames.HasTokenRows(name);
            (isRows ? target.detach().narrow(0, 0, _rows!.First) : target).copy_(isRows ? value.narrow(0, 0, _rows!.First) : value);
        }

        foreach (var entry in _entries.Where(entry => !ReferenceEquals(entry.Compute, entry.Master)))
        {
            if (_model.get_parameter(entry.Name) is { } parameter)
            {
                parameter.copy_(entry.Master);
            }
        }

        if (_rows is not null && _entries.FirstOrDefault(entry => entry.Name == InputRows) is { } input)
        {
            using var _ = NewDisposeScope();
            _model.EmbeddingWeight.detach().narrow(0, _rows.First, _rows.Count).copy_(input.Master);
            if (_entries.FirstOrDefault(entry => entry.Name == OutputRows) is { } output)
            {
                _model.HeadWeight.detach().narrow(0, _rows.First, _rows.Count).copy_(output.Master);
            }
        }

        if (_adapters is not null)
        {
            foreach (var (name, value) in _adapters.Tensors())
            {
                value.copy_(_entries.First(entry => entry.Name == name).Master);
            }
        }
    }

    private const string InputRows = "new_rows.input";
    private const string OutputRows = "new_rows.output";

    private IEnumerable<(string Name, Parameter Value)> Trained(bool partial)
    {
        if (!partial)
        {
            return _model.named_parameters().Select(pair => (pair.name, pair.parameter));
        }

        var trained = new List<(string, Parameter)>(_adapters?.Tensors() ?? []);
        if (_rows is not null)
        {
            trained.Add((InputRows, _rows.Input));
            if (!ReferenceEquals(_rows.Input, _rows.Output))
            {
                trained.Add((OutputRows, _rows.Output));
            }
        }

        return trained;
    }

    private static Tensor Clone(Tensor value, ScalarType type)
    {
        using var scope = NewDisposeScope();
        return value.detach().to(type, copy: true).DetachFromDisposeScope();
    }

    private sealed record Entry(string Name, Parameter Compute, Parameter Master);
}
