using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Which backend the layers of one model attend by: the fastest on the weights' device, unless one is set.</summary>
internal sealed class AttentionChoice
{
    /// <summary>Gets or sets the backend, or <see langword="null"/> for the fastest on the device to which the model was moved.</summary>
    public AttentionBackend? Fixed { get; set; }

    /// <summary>Gets the backend for activations.</summary>
    /// <param name="x">Activations, on the device of the weights.</param>
    public AttentionBackend For(Tensor x) => Fixed ?? AttentionBackend.For(x.device_type);
}
