using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization;

/// <summary>Turns the codes of an index into vectors: by its quantizer, else by the mean residual of each code.</summary>
/// <remarks>
/// Without a quantizer: the code of level l stands for the mean, over the items that have it, of what levels above left over. For residual
/// quantizers in the space of the vectors that is one step of Lloyd's from the codes given; for others it is the best guess that needs no
/// model.
/// </remarks>
internal sealed class CodeDecoder
{
    private readonly EmbeddingTable _vectors;
    private readonly IQuantizer? _quantizer;
    private readonly float[][] _means;                                                      // [K, E] for each level, without a quantizer
    private readonly IReadOnlyList<int> _sizes;

    private CodeDecoder(EmbeddingTable vectors, CodeTable codes, IReadOnlyList<int> sizes, IQuantizer? quantizer, float[][] means) =>
        (_vectors, Codes, _sizes, _quantizer, _means) = (vectors, codes, sizes, quantizer, means);

    /// <summary>Gets the codes that are decoded: as many levels as the quantizer has, else as many as all items have.</summary>
    public CodeTable Codes { get; }

    /// <summary>Makes a decoder.</summary>
    public static CodeDecoder Create(SemanticIdIndex index, EmbeddingTable vectors, IQuantizer? quantizer)
    {
        int depth = quantizer?.LevelSizes.Count ?? index.SemanticIds.Min(id => id.Depth);
        var codes = new CodeTable(index.Count, depth, [.. index.SemanticIds.SelectMany(id => id.Codes[..depth].ToArray())]);
        IReadOnlyList<int> sizes = quantizer?.LevelSizes ?? [.. index.LevelSizes.Take(depth)];
        return new CodeDecoder(vectors, codes, sizes, quantizer, quantizer is null ? Means(vectors, codes, sizes) : []);
    }

    /// <summary>Gets K of a level.</summary>
    public int LevelSize(int level) => _sizes[level];

    /// <summary>Decodes codes, <c>[n, L]</c> to <c>[n, E]</c>.</summary>
    public EmbeddingTable Decode(CodeTable codes) => _quantizer?.Decode(codes)
        ?? new EmbeddingTable(codes.Count, _vectors.Width, Sum(codes, codes.Depth));

    /// <summary>Measures squared distances of rows to all codes of a level, <c>[n, K]</c>; codes that nothing uses are infinitely far
    /// without a quantizer.</summary>
    public float[] Distances(int[] rows, int level)
    {
        var vectors = _vectors.Select(rows);
        var codes = Codes.Select(rows);
        if (_quantizer is not null)
        {
            return _quantizer.Distances(vectors, codes, level);
        }

        float[] above = Sum(codes, level);
        float[] distances = new float[checked(rows.Length * _sizes[level])];
        bool[] used = new bool[_sizes[level]];
        for (int row = 0; row < Codes.Count; row++)
        {
            used[Codes[row, level]] = true;
        }

        float[] rest = new float[_vectors.Width];
        for (int i = 0; i < rows.Length; i++)
        {
            vectors[i].CopyTo(rest);
            VectorMath.AddScaled(rest, above.AsSpan(i * rest.Length, rest.Length), -1);
            for (int code = 0; code < _sizes[level]; code++)
            {
                distances[i * _sizes[level] + code] =
                    used[code] ? VectorMath.SquaredDistance(rest, _means[level].AsSpan(code * rest.Length, rest.Length))
                        : float.PositiveInfinity;
            }
        }

        return distances;
    }

    private float[] Sum(CodeTable codes, int levels)
    {
        int width = _vectors.Width;
        float[] sum = new float[checked(codes.Count * width)];
        for (int row = 0; row < codes.Count; row++)
        {
            for (int level = 0; level < levels; level++)
            {
                VectorMath.AddScaled(sum.AsSpan(row * width, width), _means[level].AsSpan(codes[row, level] * width, width), 1);
            }
        }

        return sum;
    }

    private static float[][] Means(EmbeddingTable vectors, CodeTable codes, IReadOnlyList<int> sizes)
    {
        int width = vectors.Width;
        float[] rest = vectors.Values.ToArray();
        float[][] means = [.. sizes.Select(size => new float[checked(size * width)])];
        for (int level = 0; level < means.Length; level++)
        {
            int[] counts = new int[sizes[level]];
            for (int row = 0; row < codes.Count; row++)
            {
                int code = codes[row, level];
                counts[code]++;

                // A running mean: sums of many float32 numbers would lose digits.
                var mean = means[level].AsSpan(code * width, width);
                VectorMath.AddScaled(mean, mean, -1f / counts[code]);
                VectorMath.AddScaled(mean, rest.AsSpan(row * width, width), 1f / counts[code]);
            }

            for (int row = 0; row < codes.Count; row++)
            {
                VectorMath.AddScaled(rest.AsSpan(row * width, width), means[level].AsSpan(codes[row, level] * width, width), -1);
            }
        }

        return means;
    }
}
