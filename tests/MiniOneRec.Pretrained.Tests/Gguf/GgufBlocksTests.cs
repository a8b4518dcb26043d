namespace MiniOneRec.Pretrained.Tests.Gguf;

/// <summary>Compares the decoder of blocks with the formats' definitions, written element by element.</summary>
public sealed class GgufBlocksTests
{
    public static TheoryData<string> Types => ["Q4_0", "Q4_1", "Q5_0", "Q5_1", "Q8_0", "Q4_K", "Q5_K", "Q6_K"];

    [Theory]
    [MemberData(nameof(Types))]
    public void Decode_RandomBlocks_FollowTheDefinition(string name)
    {
        var type = Enum.Parse<GgufTensorType>(name);
        int elements = GgufBlocks.ElementsOf(type), bytes = GgufBlocks.BytesOf(type);
        var random = new Random(7);
        byte[] blocks = new byte[bytes * 20];
        random.NextBytes(blocks);
        for (int b = 0; b < 20; b++)
        {
            // Scales that are numbers: the places of float16 values differ by format.
            foreach (int at in type == GgufTensorType.Q6_K ? [208]
                : type is GgufTensorType.Q4_0 or GgufTensorType.Q5_0 or GgufTensorType.Q8_0 ? new[] { 0 } : [0, 2])
            {
                BitConverter.TryWriteBytes(blocks.AsSpan(b * bytes + at), (Half)(random.NextDouble() - 0.5));
            }
        }

        float[] values = new float[elements * 20];
        GgufBlocks.Decode(type, blocks, values);

        for (int i = 0; i < values.Length; i++)
        {
            Assert.Equal(Element(type, blocks.AsSpan(i / elements * bytes, bytes), i % elements), values[i], 1e-5);
        }
    }

    private static double Element(GgufTensorType type, ReadOnlySpan<byte> block, int i)
    {
        double Half(ReadOnlySpan<byte> b, int at) => (double)BitConverter.ToHalf(b[at..]);
        int Nibble(ReadOnlySpan<byte> b, int at) => i < 16 ? b[at + i] % 16 : b[at + i - 16] / 16;
        int Fifth(ReadOnlySpan<byte> b, int at) => (b[at + i / 8] >> (i % 8)) % 2 * 16;
        switch (type)
        {
            case GgufTensorType.Q4_0:
                return Half(block, 0) * (Nibble(block, 2) - 8);
            case GgufTensorType.Q4_1:
                return Half(block, 0) * Nibble(block, 4) + Half(block, 2);
            case GgufTensorType.Q5_0:
                return Half(block, 0) * (Nibble(block, 6) + Fifth(block, 2) - 16);
            case GgufTensorType.Q5_1:
                return Half(block, 0) * (Nibble(block, 8) + Fifth(block, 4)) + Half(block, 2);
            case GgufTensorType.Q8_0:
                return Half(block, 0) * (sbyte)block[2 + i];
            case GgufTensorType.Q6_K:
            {
                int half = i / 128, within = i % 128, row = within / 32, column = within % 32;
                int low = block[half * 64 + row % 2 * 32 + column];
                int four = row < 2 ? low % 16 : low / 16;
                int two = (block[128 + half * 32 + column] >> (2 * row)) % 4;
                return Half(block, 208) * (sbyte)block[192 + i / 16] * (four + 16 * two - 32);
            }

            default:
            {
                int group = i / 32, column = i % 32;
                int start = type == GgufTensorType.Q4_K ? 16 : 48;
                int stored = block[start + group / 2 * 32 + column];
                int q = (group % 2 == 0 ? stored % 16 : stored / 16)
                    + (type == GgufTensorType.Q5_K ? (block[16 + column] >> group) % 2 * 16 : 0);
                var (scale, minimum) = ScaleAndMinimum(block.Slice(4, 12), group);
                return Half(block, 0) * scale * q - Half(block, 2) * minimum;
            }
        }
    }

    // Groups 0 to 3: six bits of bytes j and j + 4. Groups 4 to 7: four bits of byte j + 4, and the two top bits of the bytes of group j −
    // 4.
    private static (int Scale, int Minimum) ScaleAndMinimum(ReadOnlySpan<byte> packed, int j) => j < 4
        ? (packed[j] % 64, packed[j + 4] % 64)
        : (packed[j + 4] % 16 + packed[j - 4] / 64 * 16, packed[j + 4] / 16 + packed[j] / 64 * 16);
}
