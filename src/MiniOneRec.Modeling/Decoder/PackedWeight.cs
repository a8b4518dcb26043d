using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Whether a model keeps packed weights; one object, shared by all its layers.</summary>
internal sealed class WeightPacking
{
    private readonly List<PackedWeight> _weights = [];

    /// <summary>Gets or sets whether weights are packed.</summary>
    public bool Enabled { get; set; }

    /// <summary>Gets or sets in which form they are packed; a change drops the copies that there are.</summary>
    /// <exception cref="InvalidOperationException">The weights exist in the present form alone.</exception>
    public ServingWeights Form
    {
        get;
        set
        {
            if (value == field)
            {
                return;
            }

            if (IsOnly)
            {
                throw new InvalidOperationException($"The weights exist as {field} alone and cannot become {value}; load the model again.");
            }

            Drop();
            field = value;
        }
    }

    /// <summary>Gets whether the packed weights are all that is left.</summary>
    public bool IsOnly { get; private set; }

    /// <summary>Packs all weights now and frees what they were packed from, one after the other.</summary>
    /// <exception cref="InvalidOperationException">A weight does not fit the form.</exception>
    public void ReplaceWeights()
    {
        foreach (var weight in _weights)
        {
            weight.Replace();
        }

        IsOnly = true;
        NativeHeap.Trim();
    }

    /// <summary>Makes a packed weight of matrices that read the same input, side by side.</summary>
    /// <param name="sources">Weights <c>[out, in]</c> with their biases; looked at each time, since <c>to()</c> replaces
    /// parameters.</param>
    /// <param name="blockRows">The most rows of a block, or 0 for one block.</param>
    /// <param name="takesPadded">Whether inputs may be <see cref="WeightBlock.Padded"/> wide.</param>
    /// <param name="free">Frees the weights once the copy has taken their place, or <see langword="null"/> where they are needed.</param>
    public PackedWeight Of(
        Func<(Tensor Weight, Tensor? Bias)[]> sources, long blockRows = 0, bool takesPadded = false, Action? free = null)
    {
        var weight = new PackedWeight(this, sources, blockRows, takesPadded, free);
        _weights.Add(weight);
        return weight;
    }

    /// <summary>Frees the packed copies, unless they are all that is left; they are made again when they are needed.</summary>
    public void Drop()
    {
        if (!IsOnly)
        {
            _weights.ForEach(weight => weight.Drop());
        }
    }
}

/// <summary>A second copy of weights in the layout in which the CPU's matrix library multiplies.</summary>
/// <remarks>
/// Made at the first product since the weights last changed, so that equal weights and inputs give equal bits whatever ran before. Safe for
/// concurrent use; changing weights while products run is the caller's mistake.
/// </remarks>
internal sealed class PackedWeight(
    WeightPacking packing, Func<(Tensor Weight, Tensor? Bias)[]> sources, long blockRows, bool takesPadded, Action? free)
{
    private readonly Lock _gate = new();
    private Stamp[] _seen = [];
    private WeightBlock[]? _blocks;
    private bool _unfit;                                            // packing went wrong for these weights
    private bool _isOnly;                                           // the weights themselves are gone

    /// <summary>Gets the blocks, or <see langword="null"/> where this product is to be computed otherwise.</summary>
    /// <param name="x">The input of the product.</param>
    /// <exception cref="InvalidOperationException">It cannot be computed otherwise: the weights exist in packed form alone.</exception>
    public WeightBlock[]? BlocksFor(Tensor x)
    {
        if (_isOnly)
        {
            return CpuLinear.Serves(x) ? _blocks : throw new InvalidOperationException(
                $"The weights exist as {packing.Form} alone, which serves inference without gradient on the CPU; load the model again.");
        }

        if (!packing.Enabled || !Packs(x.dtype) || !CpuLinear.Serves(x))
        {
            return null;
        }

        var weights = sources();
        lock (_gate)
        {
            if (!IsCurrent(weights))
            {
                Free();
                _seen = [.. weights.Select(weight => new Stamp(weight.Weight)),
                    .. weights.Where(weight => weight.Bias is not null).Select(weight => new Stamp(weight.Bias!))];
            }

            if (_blocks is null && !_unfit && weights[0].Weight.dtype == x.dtype)
            {
                _blocks = Pack(weights);
                _unfit = _blocks is null;
            }

            return _blocks;
        }
    }

    /// <summary>Frees the copy.</summary>
    public void Drop()
    {
        lock (_gate)
        {
            Free();
            _seen = [];
        }
    }

    /// <summary>Packs the weights and frees them where nothing else needs them.</summary>
    /// <exception cref="InvalidOperationException">They do not fit the form.</exception>
    public void Replace()
    {
        lock (_gate)
        {
            var weights = sources();
            if (!IsCurrent(weights) || _blocks is null)
            {
                Free();
                _blocks = Pack(weights);
            }

            if (_blocks is null)
            {
                throw new InvalidOperationException(
                    $"A weight of [{string.Join(", ", weights[0].Weight.shape)}] cannot be kept as {packing.Form} on this processor.");
            }

            _isOnly = true;
            free?.Invoke();
        }
    }

    private bool Packs(ScalarType type) => packing.Form is ServingWeights.Int8 or ServingWeights.Int4 || CpuLinear.Packs(type);

    private void Free()
    {
        foreach (var block in _blocks ?? [])
        {
            block.Dispose();
        }

        (_blocks, _unfit) = (null, false);
    }

    private bool IsCurrent((Tensor Weight, Tensor? Bias)[] weights)
    {
        int at = 0;
        foreach (var (weight, _) in weights)
        {
            if (at >= _seen.Length || !_seen[at++].Fits(weight))
            {
                return false;
            }
        }

        foreach (var (_, bias) in weights)
        {
            if (bias is not null && (at >= _seen.Length || !_seen[at++].Fits(bias)))
            {
                return false;
            }
        }

        return at == _seen.Length;
    }

    private WeightBlock[]? Pack((Tensor Weight, Tensor? Bias)[] weights)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var weight = weights.Length == 1 ? weights[0].Weight.detach().contiguous()
            : cat([.. weights.Select(source => source.Weight.detach())]);
        var bias = weights.All(source => source.Bias is null)
            ? null
            : cat([.. weights.Select(source => source.Bias?.detach() ?? zeros(source.Weight.size(0), dtype: weight.dtype))]);
        long rows = weight.size(0), step = blockRows == 0 ? rows : blockRows;
        var blocks = new List<WeightBlock>();
        for (long start = 0; start < rows; start += step)
        {
            using var blockScope = NewDisposeScope();
            long count = Math.Min(step, rows - start);
            Tensor part = Pad(weight.narrow(0, start, count), count),
                partBias = bias is null ? null! : Pad(bias.narrow(0, start, count), count);
            if (takesPadded && WeightBlock.Padded(weight.size(1)) is var wide && wide != weight.size(1))
            {
                part = cat([part, zeros(part.size(0), wide - weight.size(1), dtype: part.dtype)], 1);
            }

            var added = bias is null ? null : partBias;
            if (Block(part, added, count) is not { } block || !Agrees(block, part, added))
            {
                return null;
            }

            block.Detach();
            blocks.Add(block);
        }

        return [.. blocks];
    }

    private WeightBlock? Block(Tensor weight, Tensor? bias, long rows) => packing.Form switch
    {
        ServingWeights.Int8 => Int8Block.Levels > 0 ? new Int8Block(weight, bias, rows) : null,
        ServingWeights.Int4 => weight.size(1) % Int4Block.Group == 0 ? new Int4Block(weight, bias, rows) : null,
        _ => new ExactBlock(Aten.PackLinear(weight), bias?.clone(), rows),
    };

    private static Tensor Pad(Tensor rows, long count) => WeightBlock.Padded(count) is var padded && padded == count
        ? rows
        : cat([rows, zeros([padded - count, .. rows.shape.AsSpan(1)], dtype: rows.dtype)]);

    // A library that misread its own layout would give plausible nonsense: one product is compared with the plain one.
    private bool Agrees(WeightBlock block, Tensor weight, Tensor? bias)
    {
        var x = linspace(-1, 1, 2 * weight.size(1)).sin_().to_type(weight.dtype).view(2, -1);
        var plain = nn.functional.linear(x, weight, bias).to_type(ScalarType.Float32);
        var packed = block.Product(x, LinearFunction.None).to_type(ScalarType.Float32);
        double size = plain.abs().max().item<float>(), tolerance = packing.Form switch
        {
            ServingWeights.Int4 => 0.25,
            ServingWeights.Int8 => 3e-2,
            _ => weight.dtype == ScalarType.Float32 ? 1e-4 : 3e-2,
        };
        return (plain - packed).abs().max().item<float>() <= tolerance * Math.Max(size, 1e-6);
    }

    // Which tensor it was and how often it had been written.
    private readonly struct Stamp(Tensor tensor)
    {
        private readonly long _version = Aten.VersionOf(tensor);

        public bool Fits(Tensor other) => ReferenceEquals(tensor, other) && _version == Aten.VersionOf(other);
    }
}
