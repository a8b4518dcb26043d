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
        var packing = Packing;
        RequireForm(form, GetType().Name, Device, packing is not null);
        packing!.Form = form;
        packing.Enabled = true;
        if (only && !packing.IsOnly)
        {
            _ = PackedHead(packing);
            using var scope = NewDisposeScope();
            packing.ReplaceWeights();
        }
    }

    /// <summary>Checks that weights of few bits can be served.</summary>
    /// <param name="form">The form.</param>
    /// <param name="name">The kind of model.</param>
    /// <param name="device">Where it is to serve.</param>
    /// <param name="packs">Whether the model packs its weights.</param>
    /// <exception cref="InvalidOperationException">They cannot.</exception>
    internal static void RequireForm(ServingWeights form, string name, Device device, bool packs = true)
    {
        if (SmallWeight.IsSmall(form)
            && (!packs || device.type != DeviceType.CPU || !CpuLinear.Exists || (form == ServingWeights.Int8 && Int8Block.Levels == 0)))
        {
            throw new InvalidOperationException(
                $"Weights cannot be kept as {form} for {name} on {device}: that needs a DecoderModel on the CPU of x64 Linux.");
        }
    }

    /// <summary>Rounds the matrices of the layers and leaves the model as it is.</summary>
    /// <param name="form">The form.</param>
    /// <returns>All parameters in the model's order, each matrix as <see cref="SmallWeightFile"/> has it.</returns>
    /// <exception cref="InvalidOperationException">The backbone or a matrix's shape does not allow the form.</exception>
    internal List<(string Name, Tensor Value)> Rounded(ServingWeights form)
    {
        var packing = Packing ?? throw new InvalidOperationException(
            $"A {GetType().Name} cannot be saved as {form}: that needs a DecoderModel.");
        using var noGrad = no_grad();
        var widths = packing.Matrices();
        var tensors = new List<(string, Tensor)>();
        foreach (var (name, parameter) in named_parameters())
        {
            if (!widths.TryGetValue(parameter, out long width))
            {
                tensors.Add((name, parameter));
                continue;
            }

            using var scope = NewDisposeScope();
            var source = parameter.detach().cpu();
            source = source.dtype == ScalarType.Float16 ? source.to_type(ScalarType.Float32) : source;
            var whole = PackedWeight.Widened(source.contiguous(), width);
            if (!SmallWeight.Fits(whole, form))
            {
                throw new InvalidOperationException(
                    $"'{name}' of [{string.Join(", ", parameter.shape)}] cannot be saved as {form}: "
                    + $"expected a multiple of {Int4Block.Group} inputs.");
            }

            foreach (var part in SmallWeightFile.Named(name, SmallWeight.Round(whole, form)))
            {
                tensors.Add((part.Name, part.Value.DetachFromDisposeScope()));
            }
        }

        return tensors;
    }

    /// <summary>Takes the layers' matrices, which have no memory yet, from a folder that holds them in few bits.</summary>
    /// <param name="form">The form.</param>
    /// <param name="source">The stored tensors.</param>
    /// <exception cref="InvalidDataException">A tensor is missing or of another type or shape; the message names it.</exception>
    internal void TakeStored(ServingWeights form, IWeightSource source)
    {
        var packing = Packing!;
        var names = named_parameters().ToDictionary(
            pair => (Tensor)pair.parameter, pair => pair.name, (IEqualityComparer<Tensor>)ReferenceEqualityComparer.Instance);
        packing.Form = form;
        packing.Enabled = true;
        _ = PackedHead(packing);
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        packing.TakeStored((weight, width) => SmallWeightFile.Read(source, source.Resolve(names[weight])
            ?? throw new InvalidDataException($"'{source.Path}': key '{names[weight]}' is missing."), form, weight.size(0), width));
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
        $"The model's weights exist as {WeightForm} alone, so it cannot be {what}; load it with Weights = AsStored, "
        + "or, where its folder was saved in that form, load the model from which that folder was made.");
}
