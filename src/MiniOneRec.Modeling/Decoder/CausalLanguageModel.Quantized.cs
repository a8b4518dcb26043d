using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <content>Weights in a smaller form, for serving.</content>
public abstract partial class CausalLanguageModel
{
    /// <summary>Gets the form in which the weights of the layers are kept where it is not their own type.</summary>
    /// <value><see cref="ServingWeights.Int8"/> or <see cref="ServingWeights.Int4"/>, else <see cref="ServingWeights.AsStored"/>.</value>
    public ServingWeights WeightForm => Packing?.Form ?? ServingWeights.AsStored;

    /// <summary>Gets whether the weights of the layers exist as <see cref="WeightForm"/> alone: the model serves, and cannot be trained or
    /// saved.</summary>
    public bool IsQuantized => Packing is { IsOnly: true };

    /// <summary>Keeps packed copies of another form.</summary>
    /// <param name="form">The form.</param>
    /// <param name="only">Whether the copies take the weights' place, now and for good. Embedding and head stay beside them: the rows of
    /// codes are computed exactly.</param>
    /// <exception cref="InvalidOperationException">The backbone, the device, the processor or a weight's shape does not allow the
    /// form.</exception>
    internal void Quantize(ServingWeights form, bool only)
    {
        if (Packing is not { } packing || Device.type != DeviceType.CPU || !CpuLinear.Exists
            || (form == ServingWeights.Int8 && Int8Block.Levels == 0))
        {
            throw new InvalidOperationException(
                $"Weights cannot be kept as {form} for {GetType().Name} on {Device}: that needs a DecoderModel on the CPU of x64 Linux.");
        }

        packing.Form = form;
        packing.Enabled = true;
        if (only && !packing.IsOnly)
        {
            _ = PackedHead(packing);
            using var scope = NewDisposeScope();
            packing.ReplaceWeights();
        }
    }

    /// <summary>Keeps packed copies of the weights' own type again.</summary>
    internal void Unquantize()
    {
        if (Packing is { } packing)
        {
            packing.Form = ServingWeights.AsStored;
        }
    }

    /// <summary>Makes the exception for what needs the weights themselves.</summary>
    internal InvalidOperationException NotWhole(string what) => new(
        $"The model's weights exist as {WeightForm} alone, so it cannot be {what}; load it with Weights = AsStored.");
}
