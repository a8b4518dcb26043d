namespace MiniOneRec.Pretrained;

/// <summary>Names the storage types of a tensor's elements, by the numbers of the format.</summary>
internal enum GgufTensorType
{
    F32 = 0,
    F16 = 1,
    Q4_0 = 2,
    Q4_1 = 3,
    Q5_0 = 6,
    Q5_1 = 7,
    Q8_0 = 8,
    Q4_K = 12,
    Q5_K = 13,
    Q6_K = 14,
    BF16 = 30,
}

/// <summary>Turns blocks of quantised elements into numbers.</summary>
/// <remarks>
/// Small blocks hold 32 elements with a scale d (and a minimum m): x = d·(q − offset) or x = d·q + m. K-blocks hold 256 elements in eight
/// or sixteen groups whose scales are integers times one float16 scale.
/// </remarks>
internal static class GgufBlocks
{
    /// <summary>Gets the type of a number, or <see langword="null"/> where it is not supported.</summary>
    public static GgufTensorType? TypeOf(uint number) => Enum.IsDefined((GgufTensorType)number) ? (GgufTensorType)number : null;

    /// <summary>Gets the elements of a block.</summary>
    public static int ElementsOf(GgufTensorType type) => type switch
    {
        GgufTensorType.F32 or GgufTensorType.F16 or GgufTensorType.BF16 => 1,
        GgufTensorType.Q4_K or GgufTensorType.Q5_K or GgufTensorType.Q6_K => 256,
        _ => 32,
    };

    /// <summary>Gets the bytes of a block.</summary>
    public static int BytesOf(GgufTensorType type) => type switch
    {
        GgufTensorType.F32 => 4,
        GgufTensorType.F16 or GgufTensorType.BF16 => 2,
        GgufTensorType.Q4_0 => 18,
        GgufTensorType.Q4_1 => 20,
        GgufTensorType.Q5_0 => 22,
        GgufTensorType.Q5_1 => 24,
        GgufTensorType.Q8_0 => 34,
        GgufTensorType.Q4_K => 144,
        GgufTensorType.Q5_K => 176,
        _ => 210,
    };

    /// <summary>Gets the bytes of a tensor, or −1 where its rows are no whole number of blocks.</summary>
    public static Int128 BytesOf(GgufTensorType type, ReadOnlySpan<long> shape)
    {
        int elements = ElementsOf(type);
        if (shape[^1] % elements != 0)
        {
            return -1;
        }

        Int128 bytes = shape[^1] / elements * BytesOf(type);
        foreach (long length in shape[..^1])
        {
            bytes = bytes > long.MaxValue ? bytes : bytes * length;
        }

        return bytes;
    }

    /// <summary>Decodes whole blocks.</summary>
    /// <param name="type">How they are stored.</param>
    /// <param name="blocks">The bytes.</param>
    /// <param name="values">Receives the elements.</param>
    public static void Decode(GgufTensorType type, ReadOnlySpan<byte> blocks, Span<float> values)
    {
        int bytes = BytesOf(type), elements = ElementsOf(type);
        for (; !values.IsEmpty; blocks = blocks[bytes..], values = values[elements..])
        {
            var block = blocks[..bytes];
            var target = values[..elements];
            switch (type)
            {
                case GgufTensorType.Q8_0:
                    DecodeQ8(block, target);
                    break;
                case GgufTensorType.Q4_0:
                    DecodeNibbles(Half(block, 0), 8, 0, block[2..], [], target);
                    break;
                case GgufTensorType.Q4_1:
                    DecodeNibbles(Half(block, 0), 0, Half(block, 2), block[4..], [], target);
                    break;
                case GgufTensorType.Q5_0:
                    DecodeNibbles(Half(block, 0), 16, 0, block[6..], block[2..6], target);
                    break;
                case GgufTensorType.Q5_1:
                    DecodeNibbles(Half(block, 0), 0, Half(block, 2), block[8..], block[4..8], target);
                    break;
                case GgufTensorType.Q4_K:
                    DecodeQ4Or5K(block, block[16..], [], target);
                    break;
                case GgufTensorType.Q5_K:
                    DecodeQ4Or5K(block, block[48..], block[16..48], target);
                    break;
                case GgufTensorType.Q6_K:
                    DecodeQ6K(block, target);
                    break;
                default:
                    throw new ArgumentException($"Tensors of type {type} are read as they are.", nameof(type));
            }
        }
    }

    private static float Half(ReadOnlySpan<byte> block, int at) => (float)BitConverter.ToHalf(block[at..]);

    private static void DecodeQ8(ReadOnlySpan<byte> block, Span<float> values)
    {
        float scale = Half(block, 0);
        for (int i = 0; i < 32; i++)
        {
            values[i] = scale * (sbyte)block[2 + i];
        }
    }

    // Low nibbles are elements 0 to 15, high nibbles 16 to 31; a fifth bit, where there is one, comes from a word of 32.
    private static void DecodeNibbles(float scale, int offset, float minimum, ReadOnlySpan<byte> nibbles, ReadOnlySpan<byte> fifth,
        Span<float> values)
    {
        int high = fifth.IsEmpty ? 0 : BitConverter.ToInt32(fifth);
        for (int i = 0; i < 16; i++)
        {
            int first = (nibbles[i] & 0xF) + 16 * ((high >> i) & 1), second = (nibbles[i] >> 4) + 16 * ((high >> (i + 16)) & 1);
            values[i] = scale * (first - offset) + minimum;
            values[i + 16] = scale * (second - offset) + minimum;
        }
    }

    // Eight groups of 32: bytes 4 to 15 hold a 6-bit scale and a 6-bit minimum of each. Groups 2j and 2j+1 share 32 bytes of nibbles.
    private static void DecodeQ4Or5K(ReadOnlySpan<byte> block, ReadOnlySpan<byte> nibbles, ReadOnlySpan<byte> fifth, Span<float> values)
    {
        float d = Half(block, 0), dMin = Half(block, 2);
        var packed = block[4..16];
        for (int group = 0; group < 8; group++)
        {
            int low = packed[group % 4 + (group < 4 ? 0 : 8)];
            int scale = group < 4 ? low & 63 : (low & 0xF) | ((packed[group - 4] >> 6) << 4);
            int minimum = group < 4 ? packed[group + 4] & 63 : (low >> 4) | ((packed[group] >> 6) << 4);
            float s = d * scale, m = dMin * minimum;
            var source = nibbles.Slice(group / 2 * 32, 32);
            var target = values.Slice(group * 32, 32);
            int shift = group % 2 * 4;
            for (int i = 0; i < 32; i++)
            {
                int q = (source[i] >> shift) & 0xF;
                q |= fifth.IsEmpty ? 0 : ((fifth[i] >> group) & 1) << 4;
                target[i] = s * q - m;
            }
        }
    }

    // Two halves of 128: 64 bytes of low nibbles, 32 bytes of high bit pairs, eight signed scales for 16 elements each.
    private static void DecodeQ6K(ReadOnlySpan<byte> block, Span<float> values)
    {
        float d = Half(block, 208);
        for (int half = 0; half < 2; half++)
        {
            var low = block.Slice(half * 64, 64);
            var high = block.Slice(128 + half * 32, 32);
            var scales = block.Slice(192 + half * 8, 8);
            var target = values.Slice(half * 128, 128);
            for (int quarter = 0; quarter < 4; quarter++)
            {
                for (int i = 0; i < 32; i++)
                {
                    int nibble = (low[i + quarter % 2 * 32] >> (quarter / 2 * 4)) & 0xF;
                    int q = (nibble | (((high[i] >> (quarter * 2)) & 3) << 4)) - 32;
                    target[quarter * 32 + i] = d * (sbyte)scales[quarter * 2 + i / 16] * q;
                }
            }
        }
    }
}
