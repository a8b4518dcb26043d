using System.Buffers;
using System.Runtime.CompilerServices;
using System.Runtime.Intrinsics;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Attention of rows to shared prompts and short chains on the CPU: scores, softmax and values of a few rows at a time, in the
/// cache.</summary>
/// <remarks>
/// The rows of a prompt and the query heads of a group multiply the same keys and values, so both products have many rows. Everything is
/// computed in float32. No padding is computed: a row stops at the last position that it sees, rounded up to 16.
/// </remarks>
internal sealed unsafe class CpuAttention
{
    private const int Lanes = CpuProduct.Lanes;

    /// <summary>Rows of queries whose scores are held at once.</summary>
    private const int Tile = 64;

    private readonly AttentionRows _rows;
    private readonly int _heads;
    private readonly int _kvHeads;
    private readonly int _group;
    private readonly int _width;
    private readonly int _past;
    private readonly int _padded;
    private readonly int _keyStride;
    private readonly float _scale;
    private readonly int _window;
    private readonly byte* _q;
    private readonly byte* _promptKeys;
    private readonly byte* _promptValues;
    private readonly byte* _keys;
    private readonly byte* _values;
    private readonly byte* _y;

    private CpuAttention(Tensor q, Tensor promptKeys, Tensor promptValues, Tensor? keys, Tensor? values, AttentionRows rows, double scale,
        int window, Tensor y)
    {
        (_rows, _heads, _kvHeads, _width, _past, _scale) =
            (rows, (int)q.size(1), (int)promptKeys.size(1), (int)q.size(2), (int)promptKeys.size(2), (float)scale);
        _window = window == 0 ? int.MaxValue : window;
        (_group, _padded) = (_heads / _kvHeads, (_past + Lanes - 1) / Lanes * Lanes);
        _keyStride = _padded + Lanes;                                   // rows a power of two apart would share one set of the cache
        _q = CpuTensor.At(q);
        _promptKeys = CpuTensor.At(promptKeys);
        _promptValues = CpuTensor.At(promptValues);
        _keys = keys is null ? null : CpuTensor.At(keys);
        _values = values is null ? null : CpuTensor.At(values);
        _y = CpuTensor.At(y);
    }

    /// <summary>Attends.</summary>
    /// <param name="q">Queries, <c>[R, H, Dh]</c>.</param>
    /// <param name="promptKeys"><c>[B, Hkv, P, Dh]</c>.</param>
    /// <param name="promptValues"><c>[B, Hkv, P, Dh]</c>.</param>
    /// <param name="keys">Keys of the rows on top of prompts, <c>[M, Hkv, Dh]</c>, or <see langword="null"/> where no row has a
    /// chain.</param>
    /// <param name="values">Their values.</param>
    /// <param name="rows">What each row sees.</param>
    /// <param name="scale">The factor of the scores.</param>
    /// <param name="window">How many positions a row sees at most, its own among them; 0 means all.</param>
    /// <returns>Attended heads, <c>[R, H·Dh]</c>, or <see langword="null"/> where the operands are not of the kind that is
    /// served.</returns>
    public static Tensor? Run(Tensor q, Tensor promptKeys, Tensor promptValues, Tensor? keys, Tensor? values, AttentionRows rows,
        double scale, int window = 0)
    {
        long width = q.size(2);
        Tensor?[] operands = [q, promptKeys, promptValues, keys, values];
        if (width % Lanes != 0 || operands.Any(operand => operand is not null && (operand.dtype != q.dtype || !CpuTensor.Serves(operand))))
        {
            return null;
        }

        var y = RowBuckets.Empty(q.size(0), q.size(1) * width, q.dtype);
        var attention = new CpuAttention(q, promptKeys, promptValues, keys, values, rows, scale, window, y);
        if (q.dtype == ScalarType.Float32)
        {
            attention.Run<SingleElement>();
        }
        else
        {
            attention.Run<BFloat16Element>();
        }

        foreach (var operand in operands)
        {
            GC.KeepAlive(operand);
        }

        return y;
    }

    private void Run<T>()
        where T : struct, ICpuElement
    {
        // Tiles: rows of one prompt, for one key/value head.
        int tileRows = Math.Max(1, Tile / _group);
        var tiles = new List<(int Head, int First, int Count)>();
        var heads = new List<(int Prompt, int Head)>();
        for (int first = 0, count; first < _rows.Prompts.Length; first += count)
        {
            int prompt = _rows.Prompts[first];
            count = 1;
            while (count < tileRows && first + count < _rows.Prompts.Length && _rows.Prompts[first + count] == prompt)
            {
                count++;
            }

            if (heads.Count == 0 || heads[^1].Prompt != prompt)
            {
                heads.AddRange(Enumerable.Range(0, _kvHeads).Select(head => (prompt, head)));
            }

            for (int head = 0; head < _kvHeads; head++)
            {
                tiles.Add((heads.Count - _kvHeads + head, first, count));
            }
        }

        // Keys [Dh, P] and values [P, Dh] in float32, for each prompt that has rows and each head.
        int size = _width * (_padded + _keyStride);
        float[] buffer = ArrayPool<float>.Shared.Rent(size * heads.Count);
        try
        {
            fixed (float* start = buffer)
            {
                float* shared = start;
                long work = 2L * _rows.Prompts.Length * _heads * _past * _width;
                CpuThreads.Each(heads.Count, work, h => Unfold<T>(heads[h].Prompt * _kvHeads + heads[h].Head, shared + (long)h * size));
                CpuThreads.Each(tiles.Count, work,
                    t => RunTile<T>(tiles[t].First, tiles[t].Count, heads[tiles[t].Head].Head, shared + (long)tiles[t].Head * size));
            }
        }
        finally
        {
            ArrayPool<float>.Shared.Return(buffer);
        }
    }

    private void Unfold<T>(int head, float* keys)
        where T : struct, ICpuElement
    {
        float* values = keys + _width * _keyStride;
        float* lanes = stackalloc float[Lanes];
        long row = (long)_width * T.Bytes;
        byte* fromKeys = _promptKeys + head * _past * row, fromValues = _promptValues + head * _past * row;
        new Span<float>(keys, _width * (_keyStride + _padded)).Clear();
        for (int p = 0; p < _past; p++)
        {
            for (int d = 0; d < _width; d += Lanes)
            {
                T.Load(fromValues + p * row + d * T.Bytes).Store(values + p * _width + d);
                T.Load(fromKeys + p * row + d * T.Bytes).Store(lanes);
                for (int i = 0; i < Lanes; i++)
                {
                    keys[(d + i) * _keyStride + p] = lanes[i];
                }
            }
        }
    }

    private void RunTile<T>(int first, int count, int head, float* keys)
        where T : struct, ICpuElement
    {
        int queries = count * _group, held = (queries + 3) / 4 * 4, chain = _rows.ChainWidth;
        int seen = 0;
        for (int r = first; r < first + count; r++)
        {
            seen = Math.Max(seen, _rows.Visible[r]);
        }

        seen = (seen + Lanes - 1) / Lanes * Lanes;
        float[] buffer = ArrayPool<float>.Shared.Rent(held * (2 * _width + seen) + chain);
        fixed (float* q = buffer)
        {
            float* scores = q + held * _width, y = scores + held * seen, own = y + held * _width;
            for (int i = 0; i < held; i++)
            {
                byte* from = Query<T>(_q, first, Math.Min(i, queries - 1), head);
                for (int d = 0; d < _width; d += Lanes)
                {
                    (T.Load(from + d * T.Bytes) * _scale).Store(q + i * _width + d);
                }
            }

            CpuProduct.Multiply(q, _width, keys, _keyStride, scores, seen, held, _width, seen);
            for (int i = 0; i < queries; i++)
            {
                int row = first + i / _group;
                Soften<T>(q + i * _width, scores + i * seen, own, row, head, seen);
                Accumulate<T>(y + i * _width, own, row, head);
            }

            CpuProduct.Multiply(scores, seen, keys + _width * _keyStride, _width, q, _width, held, seen, _width);
            for (int i = 0; i < queries; i++)
            {
                byte* to = Query<T>(_y, first, i, head);
                for (int d = 0; d < _width; d += Lanes)
                {
                    T.Store(to + d * T.Bytes, Vector512.Load(q + i * _width + d) + Vector512.Load(y + i * _width + d));
                }
            }
        }

        ArrayPool<float>.Shared.Return(buffer);
    }

    // Where the i-th query of a tile lies, or its result.
    private byte* Query<T>(byte* start, int first, int i, int head)
        where T : struct, ICpuElement =>
        start + (((long)first + i / _group) * _heads + head * _group + i % _group) * _width * T.Bytes;

    // Turns scores into weights, those of the chain included; positions that are not seen get none.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Soften<T>(float* q, float* scores, float* own, int row, int head, int seen)
        where T : struct, ICpuElement
    {
        int length = _rows.ChainLengths[row], visible = _rows.Visible[row];
        int beyond = Math.Max(0, visible + length - _window);           // positions before the window, of prompt and chain counted on
        int own0 = Math.Max(0, beyond - visible);
        float largest = float.NegativeInfinity;
        for (int s = 0; s < own0; s++)
        {
            own[s] = float.NegativeInfinity;
        }

        for (int s = own0; s < length; s++)
        {
            byte* key = _keys + ((long)_rows.Chain[row * _rows.ChainWidth + s] * _kvHeads + head) * _width * T.Bytes;
            var dot = Vector512<float>.Zero;
            for (int d = 0; d < _width; d += Lanes)
            {
                dot = Vector512.FusedMultiplyAdd(Vector512.Load(q + d), T.Load(key + d * T.Bytes), dot);
            }

            own[s] = Vector512.Sum(dot);
            largest = MathF.Max(largest, own[s]);
        }

        new Span<float>(scores, Math.Min(beyond, visible)).Fill(float.NegativeInfinity);
        new Span<float>(scores + visible, seen - visible).Fill(float.NegativeInfinity);
        var top = Vector512.Create(largest);
        for (int p = 0; p < seen; p += Lanes)
        {
            top = Vector512.Max(top, Vector512.Load(scores + p));
        }

        largest = CpuProduct.Max(top, largest);

        var sum = Vector512<float>.Zero;
        for (int p = 0; p < seen; p += Lanes)
        {
            var mass = Vector512.Exp(Vector512.Load(scores + p) - Vector512.Create(largest));
            mass.Store(scores + p);
            sum += mass;
        }

        float total = Vector512.Sum(sum);
        for (int s = 0; s < length; s++)
        {
            own[s] = MathF.Exp(own[s] - largest);
            total += own[s];
        }

        float share = 1 / total;
        for (int p = 0; p < seen; p += Lanes)
        {
            (Vector512.Load(scores + p) * share).Store(scores + p);
        }

        for (int s = 0; s < length; s++)
        {
            own[s] *= share;
        }
    }

    // The chain's part of the result.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    private void Accumulate<T>(float* y, float* own, int row, int head)
        where T : struct, ICpuElement
    {
        for (int d = 0; d < _width; d += Lanes)
        {
            var sum = Vector512<float>.Zero;
            for (int s = 0; s < _rows.ChainLengths[row]; s++)
            {
                byte* value = _values + ((long)_rows.Chain[row * _rows.ChainWidth + s] * _kvHeads + head) * _width * T.Bytes;
                sum = Vector512.FusedMultiplyAdd(Vector512.Create(own[s]), T.Load(value + d * T.Bytes), sum);
            }

            sum.Store(y + d);
        }
    }
}
