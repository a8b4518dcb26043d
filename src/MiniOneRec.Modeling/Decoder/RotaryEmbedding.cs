using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Rotates pairs of query and key features by angles that grow with the position.</summary>
/// <remarks>RoFormer (arXiv:2104.09864), Eq. 34, with the pairing (i, i + Dh/2) of the published checkpoints.</remarks>
internal sealed class RotaryEmbedding
{
    private readonly Lazy<float[]> _frequencies;
    private Tensor? _elsewhere;                                     // the frequencies on the accelerator of the last call

    /// <param name="config">The architecture; its width may be wrong, so nothing of that size is made before the weights have been found to
    /// fit.</param>
    public RotaryEmbedding(DecoderConfig config) => _frequencies = new Lazy<float[]>(() => Frequencies(config));

    private static float[] Frequencies(DecoderConfig config)
    {
        var frequencies = new float[config.HeadWidth / 2];
        for (int i = 0; i < frequencies.Length; i++)
        {
            double frequency = Math.Pow(config.RopeTheta, -2.0 * i / config.HeadWidth);
            frequencies[i] = (float)(config.RopeScaling?.Apply(frequency) ?? frequency);
            if (config.RopeInBFloat16)
            {
                frequencies[i] = RoundToBFloat16(frequencies[i]);
            }
        }

        return frequencies;
    }

    private static float RoundToBFloat16(float value)
    {
        uint bits = BitConverter.SingleToUInt32Bits(value);
        return BitConverter.UInt32BitsToSingle((bits + 0x7FFF + ((bits >> 16) & 1)) & 0xFFFF0000);     // to nearest, ties to even
    }

    /// <summary>Computes cosine and sine of the positions' angles.</summary>
    /// <param name="positions"><c>[N]</c> int64.</param>
    /// <param name="type">The type of the activations.</param>
    /// <returns>Two tensors <c>[N, 1, Dh]</c>, the two halves of Dh alike.</returns>
    public (Tensor Cos, Tensor Sin) Angles(Tensor positions, ScalarType type)
    {
        using var scope = NewDisposeScope();
        var frequencies = FrequenciesOn(positions.device);                                              // [Dh/2]
        var angles = positions.to_type(ScalarType.Float32).unsqueeze(1) * frequencies;                  // [N, Dh/2]
        angles = cat([angles, angles], 1).unsqueeze(1);                                                 // [N, 1, Dh]
        return (angles.cos().to_type(type).MoveToOuterDisposeScope(), angles.sin().to_type(type).MoveToOuterDisposeScope());
    }

    // On the CPU they are made anew, which costs less than to look after them.
    private Tensor FrequenciesOn(Device device)
    {
        float[] values = _frequencies.Value;
        if (device.type == DeviceType.CPU)
        {
            return tensor(values);
        }

        if (_elsewhere is not { } known || (known.device_type, known.device_index) != (device.type, device.index))
        {
            _elsewhere = known = Upload.Of(values, [values.Length], device).DetachFromDisposeScope();
        }

        return known;
    }

    /// <summary>Turns the sign of the first half, for <see cref="ApplyTurned"/>.</summary>
    /// <param name="sin"><c>[N, 1, Dh]</c>.</param>
    public static Tensor Turn(Tensor sin)
    {
        using var scope = NewDisposeScope();
        long half = sin.size(2) / 2;
        return cat([sin.narrow(2, 0, half).neg(), sin.narrow(2, half, half)], 2).MoveToOuterDisposeScope();
    }

    /// <summary>Rotates in three operations, with the bits of <see cref="Apply"/>.</summary>
    /// <param name="x"><c>[N, H, Dh]</c>.</param>
    /// <param name="cos"><c>[N, 1, Dh]</c>.</param>
    /// <param name="turnedSin">What <see cref="Turn"/> made.</param>
    public static Tensor ApplyTurned(Tensor x, Tensor cos, Tensor turnedSin)
    {
        using var scope = NewDisposeScope();
        var exchanged = x.roll(x.size(2) / 2, 2);                                                       // [N, H, Dh]
        return (x * cos).addcmul_(exchanged, turnedSin, Scalars.Of(1)).MoveToOuterDisposeScope();
    }

    /// <summary>Rotates.</summary>
    /// <param name="x"><c>[N, H, Dh]</c>.</param>
    /// <param name="cos"><c>[N, 1, Dh]</c>.</param>
    /// <param name="sin"><c>[N, 1, Dh]</c>.</param>
    public static Tensor Apply(Tensor x, Tensor cos, Tensor sin)
    {
        using var scope = NewDisposeScope();
        long half = x.size(2) / 2;
        var turned = cat([x.narrow(2, half, half).neg(), x.narrow(2, 0, half)], 2);                     // [N, H, Dh]
        return (x * cos).addcmul_(turned, sin, Scalars.Of(1)).MoveToOuterDisposeScope();
    }
}
