using System.ComponentModel;

namespace MiniOneRec.Datasets;

/// <summary>The name of <see cref="DemoCatalogue"/> in version 0.1.</summary>
[Obsolete("Use DemoCatalogue.")]
[EditorBrowsable(EditorBrowsableState.Never)]
public static class DemoCatalog
{
    /// <inheritdoc cref="DemoCatalogue.Create"/>
    public static InteractionDataset Create(DemoCatalogOptions? options = null) =>
        DemoCatalogue.Create(options is null ? null : new DemoCatalogueOptions
    {
        Users = options.Users, MinLength = options.MinimumLength, MaxLength = options.MaximumLength, Seed = options.Seed,
    });
}

/// <summary>The name of <see cref="DemoCatalogueOptions"/> in version 0.1.</summary>
[Obsolete("Use DemoCatalogueOptions.")]
[EditorBrowsable(EditorBrowsableState.Never)]
public sealed class DemoCatalogOptions
{
    /// <inheritdoc cref="DemoCatalogueOptions.Users"/>
    public int Users { get; set; } = 1500;

    /// <inheritdoc cref="DemoCatalogueOptions.MinLength"/>
    public int MinimumLength { get; set; } = 6;

    /// <inheritdoc cref="DemoCatalogueOptions.MaxLength"/>
    public int MaximumLength { get; set; } = 12;

    /// <inheritdoc cref="DemoCatalogueOptions.Seed"/>
    public int Seed { get; set; } = 42;
}
