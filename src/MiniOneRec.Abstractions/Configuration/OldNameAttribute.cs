namespace MiniOneRec;

/// <summary>Marks an option that was renamed; the old name still sets the new option for one version, and configuration that uses it is
/// logged.</summary>
/// <param name="newName">The new name, relative to the options class; a nested option is written with colons, as in configuration
/// keys.</param>
[AttributeUsage(AttributeTargets.Property)]
public sealed class OldNameAttribute(string newName) : Attribute
{
    /// <summary>Gets the new name.</summary>
    public string NewName { get; } = newName;
}
