namespace MiniOneRec.Datasets;

/// <summary>Specifies how interactions are divided into training, validation and test parts.</summary>
public enum PreparationSplit
{
    /// <summary>Each user's last item tests and the last but one validates, as in <see cref="LeaveOneOutSplit"/>.</summary>
    LeaveOneOut,

    /// <summary>Targets are ordered by time and cut at two points, as in <see cref="GlobalTimeSplit"/>.</summary>
    Time,

    /// <summary>Each user's sequence is cut at two points; users with fewer than three interactions train only.</summary>
    Ratio,

    /// <summary>The parts are those of the given files.</summary>
    Given,

    /// <summary>Everything trains.</summary>
    None,
}

/// <summary>Which of several interactions of a user with an item are kept.</summary>
public enum DuplicatePolicy
{
    /// <summary>All of them.</summary>
    Keep,

    /// <summary>The first of those that have the same user, item and time.</summary>
    DropExact,

    /// <summary>The earliest of each user and item.</summary>
    KeepFirst,

    /// <summary>The latest of each user and item.</summary>
    KeepLast,

    /// <summary>The first of each run of the same item in a user's sequence.</summary>
    DropConsecutive,
}

/// <summary>Names the columns of a log; <see langword="null"/> leaves a column to be guessed from the usual names.</summary>
/// <remarks>A column that is <c>""</c> is not used although it is there.</remarks>
public sealed class InteractionColumns
{
    /// <summary>Gets or sets the column of the user.</summary>
    /// <value>The default is <see langword="null"/>: guessed.</value>
    public string? User { get; set; }

    /// <summary>Gets or sets the column of the item, or of the list of items.</summary>
    /// <value>The default is <see langword="null"/>: guessed.</value>
    public string? Item { get; set; }

    /// <summary>Gets or sets the column of the time: a number, a date, or a text with either.</summary>
    /// <value>The default is <see langword="null"/>: guessed; a log need not have one.</value>
    public string? Time { get; set; }

    /// <summary>Gets or sets the column of the interaction's type.</summary>
    /// <value>The default is <see langword="null"/>: guessed; a log need not have one.</value>
    public string? Event { get; set; }

    /// <summary>Gets or sets the column of the rating, which filters look at and which is the weight where no column is.</summary>
    /// <value>The default is <see langword="null"/>: guessed; a log need not have one.</value>
    public string? Rating { get; set; }

    /// <summary>Gets or sets the column of the weight.</summary>
    /// <value>The default is <see langword="null"/>: guessed; a log need not have one.</value>
    public string? Weight { get; set; }
}
