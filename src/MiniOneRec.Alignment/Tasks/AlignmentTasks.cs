namespace MiniOneRec.Alignment;

/// <summary>Mixes of tasks.</summary>
public static class AlignmentTasks
{
    /// <summary>Makes the tasks of the paper: T1 to T5, and T6 and T7 where preference texts are given. They write text and need a text
    /// template.</summary>
    /// <param name="category">What the items are, in the plural; prompts T4 and T5 name it.</param>
    /// <param name="preferences">Texts on users' tastes for T6 and T7, or <see langword="null"/> for none.</param>
    /// <param name="mode">What one sample of T1 is: a row, as in the reference, or a user's sequence, whose rows share the computation of
    /// their common beginning.</param>
    /// <param name="maxHistory">The longest history in items.</param>
    /// <exception cref="ArgumentOutOfRangeException">The history is shorter than one item.</exception>
    public static IReadOnlyList<IAlignmentTask> Paper(
        string category = "items", IReadOnlyList<UserPreference>? preferences = null, NextItemMode mode = NextItemMode.Row,
        int maxHistory = 10)
    {
        ArgumentException.ThrowIfNullOrEmpty(category);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(maxHistory);
        IAlignmentTask[] tasks =
        [
            new NextItemTask { Mode = mode, MaxHistory = maxHistory, MaxItems = maxHistory + 1 },   // T1
            new TitleToSidTask(),                                                           // T2a
            new SidToTitleTask(),                                                           // T2b
            new NextTitleTask { MaxHistory = maxHistory },                                  // T3
            new TitlesToTitleTask { Category = category, MaxHistory = maxHistory },         // T4
            new TitlesToSidTask { Category = category, MaxHistory = maxHistory },           // T5
        ];
        return preferences is null or { Count: 0 } ? tasks
            : [.. tasks, new PreferenceAndSidTask(preferences), new PreferenceToSidTask(preferences)];
    }
}
