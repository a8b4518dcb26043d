using MiniOneRec.Modeling;
using MiniOneRec.Training;
using MiniOneRec.Training.Distributed;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>What a run of fine-tuning trains of a decoder: all weights, or low-rank adapters and the rows of new tokens; in the precision
/// that the options name.</summary>
/// <remarks>What is not trained is, in the end, what it was before to the last bit.</remarks>
internal sealed class TrainedWeights : IDisposable
{
    private const string InputRows = "new_rows.input";
    private const string OutputRows = "new_rows.output";
    private readonly CausalLanguageModel _model;
    private readonly LoraOptions? _lora;
    private readonly ScalarType _original;
    private readonly ModelPrecision _precision;
    private readonly TrainableSet _trained;
    private readonly MasterWeights _masters;
    private readonly TokenRows? _rows;
    private readonly LoraAdapters? _adapters;
    private readonly bool _ownsAdapters;

    /// <param name="model">The model.</param>
    /// <param name="options">Which weights are trained, and in which precision.</param>
    /// <param name="firstNewRow">The first row of the codes in embedding and head.</param>
    public TrainedWeights(CausalLanguageModel model, SftOptions options, int firstNewRow)
    {
        (_model, _lora, _original) = (model, options.Lora, model.EmbeddingWeight.dtype);
        if (_lora is not null && LoraAdapters.Of(model) is null)
        {
            LoraAdapters.CheckTargets(model, _lora);            // before the model's type changes and its weights are frozen
        }

        _precision = new ModelPrecision(model, _original,
            options.Precision == TrainingPrecision.BFloat16 ? ScalarType.BFloat16 : ScalarType.Float32);
        using var noGrad = no_grad();
        if (_lora is not null)
        {
            _adapters = LoraAdapters.Of(model);
            _ownsAdapters = _adapters is null;
            _adapters ??= LoraAdapters.Attach(model, _lora);
            _adapters.ConvertTo(_precision.Compute);
        }

        if (options.FreezeBackbone || _lora is { TrainNewRows: true })
        {
            model.NewRows = _rows = new TokenRows(model, firstNewRow);
        }

        _trained = new TrainableSet(model, [.. Chosen(all: !options.FreezeBackbone && _lora is null), .. ContentWeights.Of(model)]);
        _masters = new MasterWeights(_trained.All, _precision, keepsGradients: options.GradientCheckpointing);
        Slow = ContentWeights.Rates(model, options.Content);
    }

    /// <summary>Gets the weights that learn at a rate of their own, as a share of the common one.</summary>
    public IReadOnlyDictionary<Parameter, double> Slow { get; }

    /// <summary>Gets the optimizer's weights, float32.</summary>
    public IReadOnlyList<Parameter> Masters => _masters.Parameters;

    /// <summary>Gets the names of the weights, in the order of <see cref="Masters"/>.</summary>
    public IEnumerable<string> Names => _masters.Names;

    /// <summary>Gets the weights that stay as they are, by name.</summary>
    public IEnumerable<(string Name, Tensor Value)> Frozen => _trained.Frozen;

    /// <summary>Takes over the gradients of a micro-batch.</summary>
    public void CollectGradients() => _masters.CollectGradients();

    /// <summary>Drops the gradients; where memory counts more than time they are set to zero instead.</summary>
    public void DropGradients() => _masters.DropGradients();

    /// <summary>Lets the model see the optimizer's weights.</summary>
    public void Publish()
    {
        _masters.Publish();
        _rows?.Publish();
    }

    /// <summary>Overwrites the optimizer's weights and lets the model see them.</summary>
    public void Put(IReadOnlyList<Tensor> values)
    {
        WeightCopy.Put(Masters, values);
        Publish();
    }

    /// <summary>Leaves the model with the trained weights in the type that it had, adapters saved and merged as the options say.</summary>
    /// <param name="parallel">The processes, of which the first saves.</param>
    public void Finish(ParallelRun parallel)
    {
        using var noGrad = no_grad();
        Publish();
        Return();
        Restore();
        if (_lora is { SaveTo: { } folder })
        {
            parallel.OnFirst(() => _adapters!.SaveAsync(folder, firstRow: _rows?.First).GetAwaiter().GetResult());
        }

        _masters.Dispose();
        if (_lora is { Merge: true })
        {
            _adapters!.Merge();
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Return())
        {
            Restore();
        }

        _masters.Dispose();
        _trained.Dispose();
        if (_ownsAdapters && _lora is { Merge: true })
        {
            _adapters!.Dispose();
        }

        _rows?.Dispose();
        _precision.Dispose();
    }

    private bool Return()
    {
        _model.NewRows = null;
        bool changed = _precision.Return();
        if (changed)
        {
            _adapters?.ConvertTo(_original);
        }

        return changed;
    }

    // Exact frozen weights where the model changed its type, and exact trained ones where it computed in bfloat16.
    private void Restore()
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        foreach (var (name, value) in _precision.Kept)
        {
            var target = _model.get_parameter(name)!.detach();
            bool hasRows = _rows is not null && DecoderTensorNames.HasTokenRows(name);
            (hasRows ? target.narrow(0, 0, _rows!.First) : target).copy_(hasRows ? value.narrow(0, 0, _rows!.First) : value);
        }

        var adapters = (_adapters?.Tensors() ?? []).ToDictionary(pair => pair.Name, pair => (Tensor)pair.Value, StringComparer.Ordinal);
        // The content's weights are float32 all along, and no part of the model.
        var content = ContentWeights.Of(_model).Select(pair => pair.Name).ToHashSet(StringComparer.Ordinal);
        _masters.CopyTo(Names.Where(name => !content.Contains(name)).Select(name => (name, name switch
        {
            InputRows => Rows(_model.EmbeddingWeight),
            OutputRows => Rows(_model.HeadWeight),
            _ => adapters.GetValueOrDefault(name) ?? _model.get_parameter(name)!,
        })));

        Tensor Rows(Tensor matrix) => matrix.detach().narrow(0, _rows!.First, _rows.Count);
    }

    private IEnumerable<(string Name, Parameter Value)> Chosen(bool all)
    {
        if (all)
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
}
