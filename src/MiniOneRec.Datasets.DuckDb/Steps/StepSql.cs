using System.Globalization;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Which optional columns the table of interactions has.</summary>
internal readonly record struct LogShape(bool HasTime, bool HasEvent, bool HasRating, bool HasWeight, bool HasParts)
{
    /// <summary>Gets the order of a user's interactions.</summary>
    public string Order => $"{(HasParts ? "part, " : "")}{(HasTime ? "time, " : "")}seq";

    /// <summary>Gets all columns.</summary>
    public string Columns => Join("seq", "user_id", "item_id");

    /// <summary>Gets all columns but the user's.</summary>
    public string ColumnsWithoutUser => Join("seq", "item_id");

    private string Join(params IEnumerable<string> first) => string.Join(", ", first
        .Concat(HasTime ? ["time"] : []).Concat(HasEvent ? ["event"] : []).Concat(HasRating ? ["rating"] : [])
            .Concat(HasWeight ? ["weight"] : [])
        .Concat(HasParts ? ["part"] : []));
}

/// <summary>Writes the steps between the log and the k-core as standard SQL.</summary>
internal static class StepSql
{
    private const long MicrosecondsPerMinute = 60_000_000;
    private const int ShortestSession = 10;

    public static string Complete(string from, LogShape shape) =>
        $"CREATE VIEW complete AS SELECT * FROM {from} WHERE user_id IS NOT NULL AND item_id IS NOT "
        + $"NULL{(shape.HasTime ? " AND time IS NOT NULL" : "")}";

    public static string Events(string from, IEnumerable<string> events) =>
        $"CREATE VIEW of_events AS SELECT * FROM {from} WHERE event IN ({string.Join(", ", events.Select(Sql.Text))})";

    public static string Rating(string from, double minimum) =>
        $"CREATE VIEW rated AS SELECT * FROM {from} WHERE rating >= {Sql.Number(minimum)}";

    /// <summary>The catalogue: the last usable entry of each item.</summary>
    public static string Catalogue(int maxTitleWords, bool clean)
    {
        string title = maxTitleWords > 0 ? "trim(trim(replace(replace(title, '&quot;', '\"'), '&amp;', '&'), ' '), '\"')" : "title";
        string usable = maxTitleWords > 0
                ? $"\nWHERE title NOT LIKE '%<span id%' AND char_length({title}) > 1 AND char_length({title}) "
                + $"- char_length(replace({title}, ' ', '')) < {maxTitleWords}" : "";
        string Cleaned(string text) => clean ? TextSql.Cleaned(text) : text;
        return $"""
            CREATE TABLE catalogue AS
            SELECT item_id, {Cleaned("title")} AS title, {Cleaned("description")} AS description, {Cleaned("brand")} AS brand, categories, attributes
            FROM (
              SELECT item_id, {title} AS title, description, brand, categories, attributes, row_number() OVER (PARTITION BY item_id ORDER BY seq DESC) AS copy
              FROM item_texts{usable.Replace("\n", "\n  ", StringComparison.Ordinal)}
            ) AS texts
            WHERE copy = 1
            """;
    }

    public static string Known(string from) =>
        $"CREATE VIEW known AS SELECT * FROM {from} WHERE CAST(item_id AS VARCHAR) IN (SELECT item_id FROM catalogue)";

    public static string Window(string from, DateOnly? start, DateOnly? end)
    {
        string[] bounds = [.. start is { } first ? [$"time >= {Midnight(first)}"] : (string[])[],
            .. end is { } last ? [$"time <= {Midnight(last)}"] : (string[])[]];
        return $"CREATE VIEW in_window AS SELECT * FROM {from} WHERE {string.Join(" AND ", bounds)}";
    }

    public static string Duplicates(string from, LogShape shape, DuplicatePolicy policy)
    {
        string backwards = $"{(shape.HasParts ? "part DESC, " : "")}{(shape.HasTime ? "time DESC, " : "")}seq DESC";
        if (policy == DuplicatePolicy.DropConsecutive)
        {
            return $"""
                CREATE TABLE without_copies AS
                SELECT {shape.Columns}
                FROM (SELECT {shape.Columns}, lag(item_id) OVER (PARTITION BY user_id ORDER BY {shape.Order}) AS before FROM {from}) AS runs
                WHERE before IS NULL OR before <> item_id
                """;
        }

        var (keys, order) = policy switch
        {
            DuplicatePolicy.DropExact => (shape.HasTime ? "user_id, item_id, time" : "user_id, item_id", "seq"),
            DuplicatePolicy.KeepFirst => ("user_id, item_id", shape.Order),
            _ => ("user_id, item_id", backwards),
        };
        return $"""
            CREATE TABLE without_copies AS
            SELECT {shape.Columns}
            FROM (SELECT {shape.Columns}, row_number() OVER (PARTITION BY {keys} ORDER BY {order}) AS copy FROM {from}) AS copies
            WHERE copy = 1
            """;
    }

    public static IEnumerable<string> BusyUsers(string from, long maximum) =>
    [
        $"CREATE TABLE busy_users AS SELECT user_id FROM {from} GROUP BY user_id HAVING count(*) "
        + $"> {maximum.ToString(CultureInfo.InvariantCulture)}",
        $"CREATE VIEW without_busy AS SELECT * FROM {from} WHERE user_id NOT IN (SELECT user_id FROM busy_users)",
    ];

    public static IEnumerable<string> FastSessions(string from, LogShape shape, double gapMinutes, double maximum) =>
    [
        Sessions("paced", from, shape, gapMinutes, "user_id"),
        $"""
        CREATE TABLE fast_sessions AS
        SELECT user_id, session
        FROM paced
        GROUP BY user_id, session
        HAVING count(*) >= {ShortestSession} AND (count(*) - 1) * {MicrosecondsPerMinute}.0 > {Sql.Number(maximum)} * (max(time) - min(time))
        """,
        $"CREATE VIEW without_fast AS SELECT {shape.Columns} FROM paced AS p WHERE NOT EXISTS (SELECT 1 FROM fast_sessions AS f WHERE "
        + "f.user_id = p.user_id AND f.session = p.session)",
    ];

    public static IEnumerable<string> SessionUsers(string from, LogShape shape, double gapMinutes) =>
    [
        Sessions("numbered", from, shape, gapMinutes, "user_id"),
        "CREATE VIEW by_session AS SELECT CAST(user_id AS VARCHAR) || '#' || CAST(session AS VARCHAR) AS user_id, "
        + $"{shape.ColumnsWithoutUser} FROM numbered",
    ];

    public static string CoreUsers(string from, int round, int minPerUser) => round == 1
        ? $"CREATE TABLE core_users_1 AS SELECT user_id, min(seq) AS first_seq FROM {from} GROUP BY user_id HAVING count(*) >= {minPerUser}"
            : $"CREATE TABLE core_users_{round} AS SELECT user_id FROM {from} WHERE item_id IN (SELECT item_id FROM "
            + $"core_items_{round - 1}) GROUP BY user_id HAVING count(*) >= {minPerUser}";

    public static string CoreItems(string from, int round, int minPerItem) =>
        $"CREATE TABLE core_items_{round} AS SELECT item_id FROM {from} WHERE user_id IN (SELECT user_id FROM core_users_{round}) "
        + $"GROUP BY item_id HAVING count(*) >= {minPerItem}";

    public static string Core(string from, int round) =>
        $"CREATE VIEW core AS SELECT * FROM {from} WHERE user_id IN (SELECT user_id FROM core_users_{round}) "
        + $"AND item_id IN (SELECT item_id FROM core_items_{round})";

    private static string Sessions(string name, string from, LogShape shape, double gapMinutes, string user) =>
        $"""
        CREATE TABLE {name} AS
        SELECT {shape.Columns}, 1 + sum(starts) OVER (PARTITION BY {user} ORDER BY time, seq ROWS UNBOUNDED PRECEDING) AS session
        FROM (
          SELECT {shape.Columns},
            CASE WHEN time - lag(time) OVER (PARTITION BY {user} ORDER BY time, seq) > {Sql.Number(Math.Round(gapMinutes * MicrosecondsPerMinute))} THEN 1 ELSE 0 END AS starts
          FROM {from}
        ) AS gaps
        """;

    public static long Midnight(DateOnly day) =>
        new DateTimeOffset(day.ToDateTime(TimeOnly.MinValue), TimeSpan.Zero).ToUnixTimeSeconds() * 1_000_000;
}
