using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Stores;

/// <summary>Names what SQLite waits for before a write counts as done.</summary>
public enum SqliteDurability
{
    /// <summary>The write is on the disk: it survives a loss of power.</summary>
    Full,

    /// <summary>The write is with the operating system: it survives the end of the process, not a loss of power.</summary>
    Process,
}

/// <summary>Configures <see cref="SqliteStore"/>.</summary>
public sealed class SqliteStoreOptions
{
    /// <summary>Gets or sets the file of the database; its folder is made where it is missing.</summary>
    /// <value>The default is <c>minionerec.db</c>.</value>
    [Required]
    public string Path { get; set; } = "minionerec.db";

    /// <summary>Gets or sets what a completed write survives.</summary>
    /// <value>The default is <see cref="SqliteDurability.Full"/>.</value>
    [EnumDataType(typeof(SqliteDurability))]
    public SqliteDurability Durability { get; set; } = SqliteDurability.Full;

    /// <summary>Gets or sets how long a write waits for another process, in milliseconds.</summary>
    /// <value>The default is 5,000.</value>
    [Range(1, 600_000)]
    public int BusyMilliseconds { get; set; } = 5_000;
}

[OptionsValidator]
internal sealed partial class SqliteStoreOptionsValidator : IValidateOptions<SqliteStoreOptions>;
