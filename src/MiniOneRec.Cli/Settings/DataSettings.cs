namespace MiniOneRec.Cli.Settings;

/// <summary>Names the data of a run: a folder in the reference layout, or a file of interactions.</summary>
internal sealed class DataSettings
{
    /// <summary>Gets or sets a folder in the reference layout (index, info, train, valid, test), read with <see cref="Dataset"/>.</summary>
    public string? Folder { get; set; }

    /// <summary>Gets or sets the data set in <see cref="Folder"/>.</summary>
    public string? Dataset { get; set; }

    /// <summary>Gets or sets a file of interactions (<c>.inter.json</c>, <c>.inter</c> or text lines).</summary>
    public string? Interactions { get; set; }

    /// <summary>Gets or sets a folder that the command <c>prepare</c> wrote.</summary>
    public string? Prepared { get; set; }

    /// <summary>Gets or sets a file of semantic IDs.</summary>
    public string? Index { get; set; }

    /// <summary>Gets or sets a file of item texts.</summary>
    public string? Items { get; set; }

    /// <summary>Gets or sets the split: <c>time</c>, <c>leave-one-out</c> or <c>given</c>.</summary>
    public string? Split { get; set; }

    /// <summary>Gets the same settings with full paths.</summary>
    public DataSettings Absolute() => new()
    {
        Folder = Full(Folder), Dataset = Dataset, Interactions = Full(Interactions), Prepared = Full(Prepared), Index = Full(Index),
            Items = Full(Items), Split = Split,
    };

    private static string? Full(string? path) => path is null ? null : Path.GetFullPath(path);
}
