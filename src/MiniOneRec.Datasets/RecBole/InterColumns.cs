namespace MiniOneRec.Datasets;

/// <summary>The names of the columns of an <c>.inter</c> file, without their types.</summary>
public sealed record InterColumns
{
    /// <summary>Gets the column of the user, a token.</summary>
    /// <value>The default is <c>user_id</c>.</value>
    public string User { get; init; } = "user_id";

    /// <summary>Gets the column of the item, a token.</summary>
    /// <value>The default is <c>item_id</c>.</value>
    public string Item { get; init; } = "item_id";

    /// <summary>Gets the column of the items before, a token sequence; a file that has it holds a history and its target per
    /// line.</summary>
    /// <value>The default is <c>item_id_list</c>.</value>
    public string History { get; init; } = "item_id_list";

    /// <summary>Gets the column of the time, a float in Unix seconds, which a file need not have.</summary>
    /// <value>The default is <c>timestamp</c>.</value>
    public string Time { get; init; } = "timestamp";

    /// <summary>Gets the column of the weight, a float, which a file need not have.</summary>
    /// <value>The default is <c>rating</c>.</value>
    public string Weight { get; init; } = "rating";

    /// <summary>Gets the column of the interaction's type, a token, which a file need not have.</summary>
    /// <value>The default is <c>event_type</c>.</value>
    public string EventType { get; init; } = "event_type";
}
