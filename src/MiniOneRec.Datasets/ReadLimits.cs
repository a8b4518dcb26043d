using System.ComponentModel.DataAnnotations;

namespace MiniOneRec.Datasets;

/// <summary>Bounds how much a file may make its reader hold or unpack; a file above a bound is an
/// <see cref="InvalidDataException"/>.</summary>
/// <remarks>
/// A small packed file can hold gigabytes, and a file without line breaks is one value. The defaults are far above real data sets; raise
/// them for a source that you trust.
/// </remarks>
public sealed class ReadLimits
{
    /// <summary>The unpacked size up to which <see cref="MaxExpansion"/> is not looked at: small files of equal rows pack very
    /// well.</summary>
    internal const long FreeBytes = 64L << 20;

    /// <summary>Gets or sets the most bytes that a <c>.gz</c> file may unpack to.</summary>
    /// <value>The default is 128 GiB.</value>
    [Range(1L, long.MaxValue)]
    public long MaxUnpackedBytes { get; set; } = 128L << 30;

    /// <summary>Gets or sets how many times its packed size a <c>.gz</c> file may unpack to, once it has given 64 MiB.</summary>
    /// <value>The default is 250; text of reviews unpacks to 3 to 20 times its size, and the format ends near 1,030.</value>
    [Range(1, int.MaxValue)]
    public int MaxExpansion { get; set; } = 250;

    /// <summary>Gets or sets the longest value: bytes of one member of a JSON file, characters of a line of text or of a CSV
    /// record.</summary>
    /// <value>The default is 16,777,216.</value>
    [Range(1, 1 << 30)]
    public int MaxValueLength { get; set; } = 16 << 20;

    /// <summary>Gets the defaults, which must not be changed.</summary>
    internal static ReadLimits Default { get; } = new();
}
