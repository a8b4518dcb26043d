using System.ComponentModel.DataAnnotations;
using Microsoft.Extensions.Options;

namespace MiniOneRec.Datasets;

/// <summary>Configures the steps between a log and a data set; they run in the order of the properties.</summary>
public sealed class PreparationOptions
{
    /// <summary>Gets or sets the types of interaction that are kept, for example <c>purchase</c>; the log then needs a column of
    /// types.</summary>
    /// <value>The default is empty: all types.</value>
    [Required]
    public IList<string> Events { get; set; } = [];

    /// <summary>Gets or sets the lowest rating that is kept; the log then needs a column of ratings.</summary>
    /// <value>The default is <see langword="null"/>: all ratings.</value>
    public double? MinRating { get; set; }

    /// <summary>Gets or sets how many words a title may have, split at single spaces; items with a longer or unusable title are left out. 0
    /// switches the rule off.</summary>
    /// <value>The default is <see langword="null"/>: 20 for the Amazon layouts, off for all others.</value>
    [Range(0, int.MaxValue)]
    public int? MaxTitleWords { get; set; }

    /// <summary>Gets or sets whether markup, character references and repeated white space are removed from titles, descriptions and
    /// brands.</summary>
    /// <value>The default is <see langword="false"/>.</value>
    public bool CleanText { get; set; }

    /// <summary>Gets or sets the first day, midnight UTC; earlier interactions are left out.</summary>
    /// <value>The default is <see langword="null"/>: no bound.</value>
    public DateOnly? Start { get; set; }

    /// <summary>Gets or sets the last moment, midnight UTC of this day; later interactions are left out. Not before
    /// <see cref="Start"/>.</summary>
    /// <value>The default is <see langword="null"/>: no bound.</value>
    public DateOnly? End { get; set; }

    /// <summary>Gets or sets how many items must remain; while there are fewer, <see cref="Start"/> goes back a year, down to
    /// 1996.</summary>
    /// <value>The default is 0: the window stays.</value>
    [Range(0, int.MaxValue)]
    public int MinItems { get; set; }

    /// <summary>Gets or sets which of several interactions of a user with an item are kept.</summary>
    /// <value>The default is <see cref="DuplicatePolicy.Keep"/>.</value>
    [EnumDataType(typeof(DuplicatePolicy))]
    public DuplicatePolicy Duplicates { get; set; }

    /// <summary>Gets or sets how many interactions a user may have; users with more are taken for programs and left out.</summary>
    /// <value>The default is <see langword="null"/>: no limit.</value>
    [Range(1, long.MaxValue)]
    public long? MaxPerUser { get; set; }

    /// <summary>Gets or sets how many interactions a minute a session of ten or more may have; faster ones are taken for programs and left
    /// out.</summary>
    /// <value>The default is <see langword="null"/>: no limit.</value>
    [Range(0.001, double.MaxValue)]
    public double? MaxPerMinute { get; set; }

    /// <summary>Gets or sets the pause, in minutes, after which a new session starts; each session then counts as a user of its own, named
    /// <c>user#1</c>, <c>user#2</c> and so on.</summary>
    /// <value>The default is <see langword="null"/>: a user has one sequence. <see cref="MaxPerMinute"/> then cuts at 30 minutes.</value>
    [Range(0.001, 1e9)]
    public double? SessionGapMinutes { get; set; }

    /// <summary>Gets or sets how many interactions a user needs.</summary>
    /// <value>The default is 5.</value>
    [Range(1, int.MaxValue)]
    public int MinPerUser { get; set; } = 5;

    /// <summary>Gets or sets how many interactions an item needs.</summary>
    /// <value>The default is 5.</value>
    [Range(1, int.MaxValue)]
    public int MinPerItem { get; set; } = 5;

    /// <summary>Gets or sets how the parts are made.</summary>
    /// <value>The default is <see cref="PreparationSplit.LeaveOneOut"/>.</value>
    [EnumDataType(typeof(PreparationSplit))]
    public PreparationSplit Split { get; set; }

    /// <summary>Gets or sets the share of the training part, for the splits by time and by ratio.</summary>
    /// <value>The default is 0.8.</value>
    [Range(0.000001, 1)]
    public double TrainShare { get; set; } = 0.8;

    /// <summary>Gets or sets the share of the validation part, for the splits by time and by ratio; the rest tests.</summary>
    /// <value>The default is 0.1.</value>
    [Range(0, 1)]
    public double ValidationShare { get; set; } = 0.1;

    /// <summary>Gets or sets the longest history of a row.</summary>
    /// <value>The default is 10.</value>
    [Range(1, int.MaxValue)]
    public int MaxHistory { get; set; } = SlidingWindow.DefaultMaxHistory;

    /// <summary>Runs all rules.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    internal static PreparationOptions Validated(PreparationOptions? options) =>
        OptionsValidation.Validated(options ?? new(), new PreparationOptionsValidator(), new PreparationRulesValidator());
}

[OptionsValidator]
internal sealed partial class PreparationOptionsValidator : IValidateOptions<PreparationOptions>;

/// <summary>The rules that tie two fields.</summary>
internal sealed class PreparationRulesValidator : IValidateOptions<PreparationOptions>
{
    public ValidateOptionsResult Validate(string? name, PreparationOptions options)
    {
        List<string> failures = [];
        if (options.End < options.Start)
        {
            failures.Add($"End ({options.End:yyyy-MM-dd}) must not be before Start ({options.Start:yyyy-MM-dd}).");
        }

        if (options.TrainShare + options.ValidationShare > 1 + 1e-12)
        {
            failures.Add($"TrainShare ({options.TrainShare}) and ValidationShare ({options.ValidationShare}) must be at most 1 together.");
        }

        return failures.Count == 0 ? ValidateOptionsResult.Success : ValidateOptionsResult.Fail(failures);
    }
}
