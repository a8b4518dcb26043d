using TorchSharp;

namespace MiniOneRec.Tensors;

/// <summary>How many logits are held at once: few on a CPU, whose cache they should not leave, and many on an accelerator, which is asked
/// for fewer and larger kernels.</summary>
internal static class LogitBudget
{
    /// <summary>Logits on an accelerator: 256 MB of float32.</summary>
    private const long Device = 64L << 20;

    /// <summary>Logits on a CPU whose gradient is taken row by row: 64 MB of float32.</summary>
    private const long Rows = 16L << 20;

    /// <summary>Logits of one block of the vocabulary on a CPU: 1 MB of float32.</summary>
    private const long Block = 256L << 10;

    /// <summary>Gets the bound where whole rows of logits are held.</summary>
    /// <param name="device">Where they are.</param>
    public static long OfRows(DeviceType device) => device == DeviceType.CPU ? Rows : Device;

    /// <summary>Gets how many tokens of the vocabulary a block has that is held for all rows.</summary>
    /// <param name="rows">How many rows of logits there are.</param>
    /// <param name="onDevice">Whether they are on an accelerator.</param>
    public static long BlockWidth(long rows, bool onDevice) => Math.Max(1_024, (onDevice ? Device : Block) / rows);
}
