namespace MiniOneRec;

/// <summary>Names that options classes use to control how configuration is bound to them.</summary>
public static class ConfigurationNames
{
    /// <summary>
    /// The key of a property that configuration does not set directly, because a property beside it takes the section and replaces the
    /// value.
    /// </summary>
    /// <remarks>
    /// The binder of .NET appends the elements of a section to the list that a property already holds, so three sizes in a file would be
    /// added to three default sizes. Each list option therefore has a second property, hidden from editors, that reads as
    /// <see langword="null"/> and is bound under the list's own name. See <c>docs/decisions/configuration.md</c>.
    /// </remarks>
    public const string SetByCode = "(set by code)";
}
