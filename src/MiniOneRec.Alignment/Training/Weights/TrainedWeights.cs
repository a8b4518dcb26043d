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
    private readonly bool _isDivided;
    private readonly Sharding _sharding;

    /// <param name="model">The model.</param>
    /// <param name="options">Which weights are trained, and in which precision.</param>
    /// <param name="firstNewRow">The first row of the codes in embedding and head.</param>
    /// <param name="sharding">What processes divide; where they do, the float32 copies are those of the update.</param>
    public TrainedWeights(CausalLanguageModel model, SftOptions options, int firstNewRow, Sharding sharding = Sharding.None)
    {
        (_model, _lora, _original, _sharding) = (model, options.Lora, model.EmbeddingWeight.dtype, sharding);
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
        _isDivided = sharding != Sharding.None && _precision.Compute != ScalarType.Float32;
        _masters = new MasterWeights(
            _trained.All, _precision, options.GradientCheckpointing && !_isDivided && sharding < Sharding.Gradients, _isDivided);
        Slow = ContentWeights.Rates(model, options.Content);
    }

    /// <summary>Gets the weights that learn at a rate of their own, as a share of the common one.</summary>
    public IReadOnlyDictionary<Parameter, double> Slow { get; }

    /// <summary>Gets the optimizer's weights, float32; the model's where processes divide float32 copies of these.</summary>
    public IReadOnlyList<Parameter> Masters => _masters.Parameters;

    /// <summary>Gets whether the model lacks exact values, which processes divide, until <see cref="GiveBack"/>.</summary>
    public bool MustGiveBack => _isDivided || _sharding == Sharding.Weights;

    /// <summary>Gets what hands over the float32 values of a weight where processes divide them, else <see langword="null"/>.</summary>
    public Func<int, Tensor>? Exact => !_isDivided ? null
        : i => _precision.Take(_masters.Names.ElementAt(i), _masters.Parameters[i]);

    /// <summary>Gets whether the optimizer's weights are copies of the model's, which receive gradients after each micro-batch.</summary>
    public bool HasCopies => _masters.HasCopies;

    /// <summary>Gets the block of each weight, in the order of <see cref="Masters"/>; -1 for those beside the model's own where weights are
    /// divided, which stay whole.</summary>
    public IReadOnlyList<int> Blocks
    {
        get
        {
            var own = _model.named_parameters().Select(pair => pair.name).ToHashSet(StringComparer.Ordinal);
            return [.. Names.Select(name => _sharding == Sharding.Weights && !own.Contains(name) ? -1 : _model.BlockOf(name))];
        }
    }

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

    /// <summary>Leaves the model with the trained weights in the type that it had, adapters saved and merged as the options say.</summary>
    /// <param name="parallel">The processes, of which the first saves.</param>
    /// <param name="update">What moved the weights.</param>
    public void Finish(ParallelRun parallel, IWeightUpdate update)
    {
        using var noGrad = no_grad();
        GiveBack(parallel, update);
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

    /// <summary>Gives the model its type back, with exact weights.</summary>
    /// <param name="parallel">The processes, all of which must call it.</param>
    /// <param name="update">What moved the weights.</param>
    public void GiveBack(ParallelRun parallel, IWeightUpdate update)
    {
        using var noGrad = no_grad();
        update.GiveBack();
        Publish();
        bool changed = Return();
        Restore();
        if (_isDivided && changed)
        {
            var targets = Targets();
            parallel.Assemble(update.PartsOf([.. Names], update.Moved), (name, whole) =>
            {
                if (targets.TryGetValue(name, out var target))
                {
                    target.copy_(whole);
                }
            });
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        if (Return())
        {
            Restore();                                          // divided weights stay rounded: other processes may be gone
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

        if (!_isDivided)
        {
            _masters.CopyTo(Targets().Select(pair => (pair.Key, pair.Value)));
        }
    }

    // Where the trained weights go in the model.
    private Dictionary<string, Tensor> Targets()
    {
        var adapters = (_adapters?.Tensors() ?? []).ToDictionary(pair => pair.Name, pair => (Tensor)pair.Value, StringComparer.Ordinal);
        // The content's weights are float32 all along, and no part of the model.
        var content = ContentWeights.Of(_model).Select(pair => pair.Name).ToHashSet(StringComparer.Ordinal);
        return Names.Where(name => !content.Contains(name)).ToDictionary(name => name, name => name switch
        {
            InputRows => Rows(_model.EmbeddingWeight),
            OutputRows => Rows(_model.HeadWeight),
            _ => adapters.GetValueOrDefault(name) ?? _model.get_parameter(name)!,
        }, StringComparer.Ordinal);

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
