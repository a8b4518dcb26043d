using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Configures <see cref="DuckDbInteractionSource"/>: what is read, how, and with how much memory.</summary>
public sealed class DuckDbSourceOptions
{
    /// <summary>Gets or sets the files of interactions: paths, patterns such as <c>logs/*.parquet</c>, folders, or one DuckDB database.
    /// <c>.gz</c> and <c>.zst</c> are unpacked.</summary>
    /// <value>The default is empty; <see cref="Query"/> may stand alone.</value>
    [Required]
    public IList<string> Inputs { get; set; } = [];

    /// <summary>Gets or sets the validation files, where the parts are given.</summary>
    /// <value>The default is empty; RecBole's divided files find each other.</value>
    [Required]
    public IList<string> ValidationInputs { get; set; } = [];

    /// <summary>Gets or sets the test files, where the parts are given.</summary>
    /// <value>The default is empty; RecBole's divided files find each other.</value>
    [Required]
    public IList<string> TestInputs { get; set; } = [];

    /// <summary>Gets or sets the files of item texts: metadata of a layout, <c>.item</c>, <c>.item.json</c>, or any table.</summary>
    /// <value>The default is empty: items have ids only.</value>
    [Required]
    public IList<string> Items { get; set; } = [];

    /// <summary>Gets or sets the table of a DuckDB database.</summary>
    /// <value>The default is <see langword="null"/>: the only table.</value>
    public string? Table { get; set; }

    /// <summary>Gets or sets a query in DuckDB's SQL that gives the interactions; tables of a database in <see cref="Inputs"/> are in
    /// scope.</summary>
    /// <value>The default is <see langword="null"/>: files are read.</value>
    public string? Query { get; set; }

    /// <summary>Gets or sets the layout.</summary>
    /// <value>The default is <see cref="InteractionFormat.Auto"/>.</value>
    [EnumDataType(typeof(InteractionFormat))]
    public InteractionFormat Format { get; set; }

    /// <summary>Gets or sets the columns of the interactions.</summary>
    /// <value>The default leaves all to be guessed.</value>
    [Required]
    public InteractionColumns Columns { get; set; } = new();

    /// <summary>Gets or sets the unit of times that are numbers.</summary>
    /// <value>The default is <see cref="TimeUnit.Auto"/>.</value>
    [EnumDataType(typeof(TimeUnit))]
    public TimeUnit TimeUnit { get; set; }

    /// <summary>Gets or sets the form of times that are texts, as in <c>strptime</c>, for example <c>%d.%m.%Y %H:%M</c>.</summary>
    /// <value>The default is <see langword="null"/>: ISO 8601, or day first with points.</value>
    public string? TimeFormat { get; set; }

    /// <summary>Gets or sets what separates the columns of text files.</summary>
    /// <value>The default is <see langword="null"/>: guessed.</value>
    public string? Delimiter { get; set; }

    /// <summary>Gets or sets whether numbers in text files have a decimal comma.</summary>
    /// <value>The default is <see langword="null"/>: guessed.</value>
    public bool? DecimalComma { get; set; }

    /// <summary>Gets or sets the encoding of CSV files: <c>utf-8</c>, <c>latin-1</c> or <c>utf-16</c>.</summary>
    /// <value>The default is <see langword="null"/>: UTF-8, and Latin-1 for MovieLens.</value>
    public string? Encoding { get; set; }

    /// <summary>Gets or sets how much memory DuckDB uses before it writes to <see cref="TempDirectory"/>, for example <c>4GB</c>.</summary>
    /// <value>The default is <c>4GB</c>. The process itself needs about 300 MB besides.</value>
    [Required]
    [RegularExpression(@"^[0-9]+(\.[0-9]+)? ?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$",
        ErrorMessage = "MemoryLimit must be a number with a unit, for example 4GB.")]
    public string MemoryLimit { get; set; } = "4GB";

    /// <summary>Gets or sets how many threads DuckDB uses.</summary>
    /// <value>The default is <see langword="null"/>: one per core.</value>
    [Range(1, 1024)]
    public int? Threads { get; set; }

    /// <summary>Gets or sets the folder for the working database and for what does not fit in memory.</summary>
    /// <value>The default is <see langword="null"/>: the system's folder for temporary files.</value>
    public string? TempDirectory { get; set; }

    /// <summary>Gets or sets how much the working files may take, for example <c>50GB</c>.</summary>
    /// <value>The default is <see langword="null"/>: what the disk has.</value>
    [RegularExpression(@"^[0-9]+(\.[0-9]+)? ?(KB|MB|GB|TB|KiB|MiB|GiB|TiB)$",
        ErrorMessage = "MaxTempSize must be a number with a unit, for example 50GB.")]
    public string? MaxTempSize { get; set; }

    /// <summary>Gets or sets how much packed text may unpack to and how long a line may be.</summary>
    /// <value>The default is <see cref="ReadLimits"/> with its own defaults.</value>
    [Required]
    [ValidateObjectMembers(typeof(UnpackLimitsValidator))]
    public ReadLimits Limits { get; set; } = new();
}

[OptionsValidator]
internal sealed partial class DuckDbSourceOptionsValidator : IValidateOptions<DuckDbSourceOptions>;

/// <summary>The rules that tie fields.</summary>
internal sealed class DuckDbSourceRulesValidator : IValidateOptions<DuckDbSourceOptions>
{
    public ValidateOptionsResult Validate(string? name, DuckDbSourceOptions options) =>
        options.Inputs.Count == 0 && options.Query is null
            ? ValidateOptionsResult.Fail("Inputs is empty and Query is not set; name the files of interactions or a query.")
        : options.Query is not null && options.Table is not null
            ? ValidateOptionsResult.Fail("Query and Table are both set; expected one of them.")
        : options.ValidationInputs.Count > 0 && options.TestInputs.Count == 0
            ? ValidateOptionsResult.Fail("ValidationInputs is set and TestInputs is not; given parts need test files.")
        : ValidateOptionsResult.Success;
}

[OptionsValidator]
internal sealed partial class UnpackLimitsValidator : IValidateOptions<ReadLimits>;
