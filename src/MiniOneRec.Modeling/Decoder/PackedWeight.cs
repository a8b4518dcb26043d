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

    /// <summary>Makes a packed weight of matrices that read the same input, side by side.</summary>
    /// <param name="sources">Weights <c>[out, in]</c> with their biases; looked at each time, since <c>to()</c> replaces
    /// parameters.</param>
    /// <param name="blockRows">The most rows of a block, or 0 for one block.</param>
    /// <param name="takesPadded">Whether inputs may be <see cref="PackedWeight.Padded"/> wide.</param>
    public PackedWeight Of(Func<(Tensor Weight, Tensor? Bias)[]> sources, long blockRows = 0, bool takesPadded = false)
    {
        var weight = new PackedWeight(this, sources, blockRows, takesPadded);
        _weights.Add(weight);
        return weight;
    }

    /// <summary>Frees the packed copies; they are made again when they are needed.</summary>
    public void Drop() => _weights.ForEach(weight => weight.Drop());
}

/// <summary>A second copy of weights in the layout in which the CPU's matrix library multiplies.</summary>
/// <remarks>
/// Made at the first product since the weights last changed, so that equal weights and inputs give equal bits whatever ran before. Safe for
/// concurrent use; changing weights while products run is the caller's mistake.
/// </remarks>
internal sealed class PackedWeight(WeightPacking packing, Func<(Tensor Weight, Tensor? Bias)[]> sources, long blockRows, bool takesPadded)
{
    /// <summary>Rows are packed in this multiple: oneDNN 3.7 mistakes its own layout of float32 weights with other numbers of rows above
    /// 32.</summary>
    private const long RowMultiple = 64;

    private readonly Lock _gate = new();
    private Stamp[] _seen = [];
    private Block[]? _blocks;
    private bool _unfit;                                            // packing went wrong for these weights

    /// <summary>Gets a width as packed products have it.</summary>
    public static long Padded(long width) => (width + RowMultiple - 1) / RowMultiple * RowMultiple;

    /// <summary>Gets the blocks, or <see langword="null"/> where this product is to be computed otherwise.</summary>
    /// <param name="x">The input of the product.</param>
    public Block[]? BlocksFor(Tensor x)
    {
        if (!packing.Enabled || !CpuLinear.Packs(x.dtype) || !CpuLinear.Serves(x))
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

    private void Free()
    {
        foreach (var block in _blocks ?? [])
        {
            block.Weight.Dispose();
            block.Bias?.Dispose();
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

    private Block[]? Pack((Tensor Weight, Tensor? Bias)[] weights)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        var weight = weights.Length == 1 ? weights[0].Weight.detach().contiguous()
            : cat([.. weights.Select(source => source.Weight.detach())]);
        var bias = weights.All(source => source.Bias is null)
            ? null
            : cat([.. weights.Select(source => source.Bias?.detach() ?? zeros(source.Weight.size(0), dtype: weight.dtype))]);
        long rows = weight.size(0), step = blockRows == 0 ? rows : blockRows;
        var blocks = new List<Block>();
        for (long start = 0; start < rows; start += step)
        {
            using var blockScope = NewDisposeScope();
            long count = Math.Min(step, rows - start);
            Tensor part = Pad(weight.narrow(0, start, count), count),
                partBias = bias is null ? null! : Pad(bias.narrow(0, start, count), count);
            if (takesPadded && Padded(weight.size(1)) is var wide && wide != weight.size(1))
            {
                part = cat([part, zeros(part.size(0), wide - weight.size(1), dtype: part.dtype)], 1);
            }

            var block = new Block(Aten.PackLinear(part), bias is null ? null : partBias.clone(), count);
            if (!Agrees(block, part, bias is null ? null : partBias))
            {
                return null;
            }

            block.Weight.DetachFromDisposeScope();
            block.Bias?.DetachFromDisposeScope();
            blocks.Add(block);
        }

        return [.. blocks];
    }

    private static Tensor Pad(Tensor rows, long count) =>
        Padded(count) == count ? rows : cat([rows, zeros([Padded(count) - count, .. rows.shape.AsSpan(1)], dtype: rows.dtype)]);

    // A library that misread its own layout would give plausible nonsense: one product is compared with the plain one.
    private static bool Agrees(Block block, Tensor weight, Tensor? bias)
    {
        var x = linspace(-1, 1, 2 * weight.size(1)).sin_().to_type(weight.dtype).view(2, -1);
        var plain = nn.functional.linear(x, weight, bias).to_type(ScalarType.Float32);
        var packed = Aten.PackedLinear(x, block.Weight, block.Bias).to_type(ScalarType.Float32);
        double size = plain.abs().max().item<float>(), tolerance = weight.dtype == ScalarType.Float32 ? 1e-4 : 3e-2;
        return (plain - packed).abs().max().item<float>() <= tolerance * Math.Max(size, 1e-6);
    }

    /// <summary>Some rows of the weights; packed ones are padded by rows of zeros.</summary>
    /// <param name="Weight">The packed rows.</param>
    /// <param name="Bias">Their biases, or <see langword="null"/>.</param>
    /// <param name="Rows">How many there are without padding.</param>
    internal sealed record Block(Tensor Weight, Tensor? Bias, long Rows)
    {
        /// <summary>Computes <c>x Wᵀ + b</c>.</summary>
        public Tensor Linear(Tensor x) => Cut(CpuLinear.Product(x, Weight, Bias));

        /// <summary>Computes <c>silu(x Wᵀ + b)</c>, padded.</summary>
        public Tensor PaddedSilu(Tensor x) => CpuLinear.Product(x, Weight, Bias, LinearFunction.Silu);

        /// <summary>Computes <c>other ⊙ (x Wᵀ + b)</c>, padded.</summary>
        public Tensor PaddedTimes(Tensor x, Tensor other) => CpuLinear.Product(x, other, Weight, Bias, LinearOperation.Multiply);

        /// <summary>Computes <c>other + (x Wᵀ + b)</c>.</summary>
        public Tensor Plus(Tensor x, Tensor other) => Padded(Rows) == Rows ? CpuLinear.Product(x, other, Weight, Bias, LinearOperation.Add)
            : Linear(x).Plus(other);

        private Tensor Cut(Tensor y) => Padded(Rows) == Rows ? y : y.narrow(1, 0, Rows);
    }

    // Which tensor it was and how often it had been written.
    private readonly struct Stamp(Tensor tensor)
    {
        private readonly long _version = Aten.VersionOf(tensor);

        public bool Fits(Tensor other) => ReferenceEquals(tensor, other) && _version == Aten.VersionOf(other);
    }
}
