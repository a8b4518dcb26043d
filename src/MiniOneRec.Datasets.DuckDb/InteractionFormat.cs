namespace MiniOneRec.Datasets.DuckDb;

/// <summary>The layouts that a <see cref="DuckDbInteractionSource"/> reads.</summary>
public enum InteractionFormat
{
    /// <summary>Guessed from names and the first rows.</summary>
    Auto,

    /// <summary>A table with an interaction, or a user's list of interactions, per row: Parquet, CSV, TSV, JSON lines, a DuckDB database or
    /// query.</summary>
    Table,

    /// <summary>Amazon Reviews 2018: JSON lines with <c>reviewerID</c>, <c>asin</c>, <c>unixReviewTime</c> and <c>overall</c>.</summary>
    Amazon2018,

    /// <summary>Amazon Reviews 2018, ratings only: CSV without a header, with item, user, rating and time.</summary>
    Amazon2018Ratings,

    /// <summary>Amazon Reviews 2023: JSON lines with <c>user_id</c>, <c>parent_asin</c>, <c>timestamp</c> in milliseconds and
    /// <c>rating</c>.</summary>
    Amazon2023,

    /// <summary>RecBole's atomic files: <c>.inter</c> with interactions or histories, also divided into <c>.train</c>, <c>.valid</c> and
    /// <c>.test</c>; <c>.item</c>.</summary>
    RecBole,

    /// <summary>MovieLens 1M and 10M: <c>ratings.dat</c> and <c>movies.dat</c>, separated by <c>::</c>. The CSV of later releases is a
    /// <see cref="Table"/>.</summary>
    MovieLens,

    /// <summary>Steam: a printed Python dictionary per line.</summary>
    Steam,

    /// <summary>Yelp: JSON lines with <c>user_id</c>, <c>business_id</c>, <c>stars</c> and <c>date</c>.</summary>
    Yelp,

    /// <summary>Amazon-M2: CSV of sessions with <c>prev_items</c>, <c>next_item</c> and <c>locale</c>; each session is a user.</summary>
    AmazonM2,

    /// <summary>RecIF of OpenOneRec: Parquet with <c>uid</c>, <c>hist_video_pid</c> and <c>target_video_pid</c>.</summary>
    RecIf,

    /// <summary>Yambda, flat or sequential: Parquet with <c>uid</c>, <c>item_id</c> and a relative <c>timestamp</c> in seconds.</summary>
    Yambda,
}

/// <summary>The unit of times that are numbers; all count from 1970.</summary>
public enum TimeUnit
{
    /// <summary>Guessed from the size of the numbers.</summary>
    Auto,

    /// <summary>Seconds.</summary>
    Seconds,

    /// <summary>Milliseconds.</summary>
    Milliseconds,

    /// <summary>Microseconds.</summary>
    Microseconds,

    /// <summary>Nanoseconds.</summary>
    Nanoseconds,
}
