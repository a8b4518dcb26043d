using Microsoft.Extensions.Logging;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Holds the options of loading a checkpoint's weights.</summary>
public sealed record CheckpointLoadOptions
{
    /// <summary>Gets where the weights go.</summary>
    /// <value>The default is <see langword="null"/>, the CPU.</value>
    public Device? Device { get; init; }

    /// <summary>Gets the type of the weights.</summary>
    /// <value>The default is <see langword="null"/>: the stored type, and float32 where that is float16.</value>
    public ScalarType? Type { get; init; }

    /// <summary>Gets whether weights that are not finite are refused.</summary>
    /// <value>The default is <see langword="true"/>. The check reads every weight once; without it, mapped weights are read when they are
    /// first used.</value>
    public bool CheckFinite { get; init; } = true;

    /// <summary>Gets whether a decoder without an output head is refused.</summary>
    /// <value>The default is <see langword="false"/>: such a decoder gives hidden states, and an error where tokens are asked for.</value>
    public bool RequireHead { get; init; }

    /// <summary>Gets the logger that receives a warning about ignored keys, once for each file.</summary>
    /// <value>The default is <see langword="null"/>.</value>
    public ILogger? Logger { get; init; }
}
