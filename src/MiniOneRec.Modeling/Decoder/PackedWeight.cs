using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

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
                throw NotKept(weights[0].Weight);
            }

            _isOnly = true;
            free?.Invoke();
        }
    }

    /// <summary>Lists the matrices that the copy may replace, with the width of its rows.</summary>
    public IEnumerable<(Tensor Weight, long Width)> Matrices() =>
        free is null ? [] : sources().Select(source => (source.Weight, Width(source.Weight)));

    /// <summary>Takes matrices that are stored in the present form; one that is needed whole is packed.</summary>
    /// <param name="read">Reads the matrix that stands for a parameter, with rows of a width.</param>
    /// <exception cref="InvalidOperationException">The product is wrong on this processor.</exception>
    public void TakeStored(Func<Tensor, long, SmallWeight> read)
    {
        if (free is null)
        {
            Replace();
            return;
        }

        lock (_gate)
        {
            using var scope = NewDisposeScope();
            var weights = sources();
            long rows = weights.Sum(source => source.Weight.size(0));
            var small = SmallWeight.Stack([.. weights.Select(source => read(source.Weight, Width(source.Weight)))],
                WeightBlock.Padded(rows));
            var bias = JoinedBias(weights) is { } joined ? Pad(joined, rows) : null;
            var block = small.ToBlock(bias, rows);
            if (!Agrees(block, small.Whole().to_type(weights[0].Weight.dtype), bias))
            {
                throw NotKept(weights[0].Weight);
            }

            block.Detach();
            Free();
            (_blocks, _isOnly) = ([block], true);
            free();
        }
    }

    /// <summary>Adds columns of zeros.</summary>
    public static Tensor Widened(Tensor weight, long width) => width == weight.size(1) ? weight
        : cat([weight, zeros(weight.size(0), width - weight.size(1), dtype: weight.dtype)], 1);

    private long Width(Tensor weight) => takesPadded ? WeightBlock.Padded(weight.size(1)) : weight.size(1);

    private InvalidOperationException NotKept(Tensor weight) =>
        new($"A weight of [{string.Join(", ", weight.shape)}] cannot be kept as {packing.Form} on this processor.");

    private static Tensor? JoinedBias((Tensor Weight, Tensor? Bias)[] weights) => weights.All(source => source.Bias is null)
        ? null
        : cat([.. weights.Select(source => source.Bias?.detach() ?? zeros(source.Weight.size(0), dtype: source.Weight.dtype))]);

    private bool Packs(ScalarType type) => SmallWeight.IsSmall(packing.Form) || CpuLinear.Packs(type);

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
        var bias = JoinedBias(weights);
        long rows = weight.size(0), step = blockRows == 0 ? rows : blockRows;
        var blocks = new List<WeightBlock>();
        for (long start = 0; start < rows; start += step)
        {
            using var blockScope = NewDisposeScope();
            long count = Math.Min(step, rows - start);
            Tensor part = Pad(weight.narrow(0, start, count), count),
                partBias = bias is null ? null! : Pad(bias.narrow(0, start, count), count);
            part = Widened(part, Width(weight));
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

    private WeightBlock? Block(Tensor weight, Tensor? bias, long rows) =>
        !SmallWeight.IsSmall(packing.Form) ? new ExactBlock(Aten.PackLinear(weight), bias?.clone(), rows)
        : SmallWeight.Fits(weight, packing.Form) && (packing.Form == ServingWeights.Int4 || Int8Block.Levels > 0)
            ? SmallWeight.Round(weight, packing.Form).ToBlock(bias, rows)
        : null;

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
