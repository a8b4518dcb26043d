using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization;

/// <summary>Distances of vectors to what the alternatives at one level decode to.</summary>
internal static class DecodedDistances
{
    public static float[] Compute(IQuantizer quantizer, EmbeddingTable embeddings, CodeTable codes, int level)
    {
        ArgumentNullException.ThrowIfNull(embeddings);
        ArgumentNullException.ThrowIfNull(codes);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual((uint)level, (uint)codes.Depth, nameof(level));
        int size = quantizer.LevelSizes[level];
        float[] distances = new float[checked(embeddings.Count * size)];
        int[] alternatives = new int[size * codes.Depth];
        for (int row = 0; row < embeddings.Count; row++)
        {
            for (int code = 0; code < size; code++)
            {
                var path = alternatives.AsSpan(code * codes.Depth, codes.Depth);
                codes[row].CopyTo(path);
                path[level] = code;
            }

            var decoded = quantizer.Decode(new CodeTable(size, codes.Depth, alternatives));
            for (int code = 0; code < size; code++)
            {
                distances[row * size + code] = VectorMath.SquaredDistance(embeddings[row], decoded[code]);
            }
        }

        return distances;
    }
}
