namespace MiniOneRec.Modeling;

/// <summary>The order in which a prompt lists a history.</summary>
public enum HistoryOrder
{
    /// <summary>In the order of time.</summary>
    OldestFirst,

    /// <summary>Against the order of time.</summary>
    NewestFirst,
}
