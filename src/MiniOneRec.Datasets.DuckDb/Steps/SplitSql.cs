using System.Globalization;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Writes the steps from the k-core to the divided sequences as standard SQL.</summary>
internal static class SplitSql
{
    private const string Day = "CAST(floor(time / 86400000000) AS BIGINT)";

    /// <summary>The users in the order of their first interaction before the k-core.</summary>
    public static string Users(LogShape shape) =>
        $"""
        CREATE TABLE users AS
        SELECT c.user_id, CAST(row_number() OVER (ORDER BY f.first_seq) - 1 AS INTEGER) AS user_no, c.interactions{(shape.HasTime ? ", c.first_time" : "")}
        FROM (SELECT user_id, count(*) AS interactions{(shape.HasTime ? ", min(time) AS first_time" : "")} FROM core GROUP BY user_id) AS c
        JOIN core_users_1 AS f ON f.user_id = c.user_id
        """;

    public static string Events(LogShape shape) =>
        $"""
        CREATE TABLE events AS
        SELECT u.user_no, c.item_id, c.seq{(shape.HasTime ? ", c.time" : "")}{(shape.HasEvent ? ", c.event" : "")}{Weight(shape)}{(shape.HasParts ? ", c.part" : "")}
        FROM core AS c JOIN users AS u ON u.user_id = c.user_id
        """;

    /// <summary>The last target of the training and of the validation part, in the order of time, user and log.</summary>
    public static IEnumerable<string> Cuts(double trainShare, double validationShare) =>
    [
        // Targets are all interactions but each user's first. Days are counted first, so that only two days are sorted.
        $"""
        CREATE TABLE days AS
        SELECT day, CAST(sum(targets) AS BIGINT) AS targets
        FROM (
          SELECT day, count(*) AS targets FROM (SELECT {Day} AS day FROM events) AS e GROUP BY day
          UNION ALL
          SELECT day, -count(*) AS targets FROM (SELECT {Day.Replace("time", "first_time", StringComparison.Ordinal)} AS day FROM users) AS u GROUP BY day
        ) AS counts
        GROUP BY day
        """,
        "CREATE TABLE day_places AS SELECT day, targets, CAST(sum(targets) OVER (ORDER BY day) AS BIGINT) AS upto, CAST(sum(targets) "
        + "OVER () AS BIGINT) AS total FROM days",
        Cut("train_cut", trainShare),
        Cut("valid_cut", trainShare + validationShare),
    ];

    /// <summary>The interactions of all users, in the order of users and positions, with their parts.</summary>
    /// <param name="shape">The columns of the log.</param>
    /// <param name="options">The split.</param>
    public static string Sequences(LogShape shape, PreparationOptions options)
    {
        string window = $"PARTITION BY user_no ORDER BY {shape.Order}";
        string next = options.Split == PreparationSplit.Time
            ? $", lead(time) OVER ({window}) AS next_time, lead(seq) OVER ({window}) AS next_seq" : "";
        return $"""
            SELECT s.user_no, CAST(u.user_id AS VARCHAR) AS user_id, s.position, CAST(s.item_id AS VARCHAR) AS item_id{Columns(shape)},
              {Part(options)} AS part
            FROM (
              SELECT {Carried(shape)},
                CAST(row_number() OVER ({window}) - 1 AS INTEGER) AS position{next}
              FROM events
            ) AS s
            JOIN users AS u ON u.user_no = s.user_no
            ORDER BY s.user_no, s.position
            """;
    }

    /// <summary>Where each user's interactions begin among those of all users, and the file that they go into.</summary>
    /// <param name="rowsPerFile">About how many interactions a file has.</param>
    public static string Places(long rowsPerFile) =>
        $"""
        CREATE TABLE places AS
        SELECT user_no, user_id, interactions, before, before // {rowsPerFile.ToString(CultureInfo.InvariantCulture)} AS file
        FROM (SELECT user_no, user_id, interactions, CAST(sum(interactions) OVER (ORDER BY user_no) - interactions AS BIGINT) AS before FROM users) AS u
        """;

    /// <summary>What <see cref="Sequences"/> gives, for some users, with one sort: rows are numbered as they come out of it, and the place
    /// of each user's first one is known.</summary>
    /// <remarks>DuckDB keeps the order of a sorted subquery, and its windows without an order follow it. Other engines promise neither. No
    /// join may stand above the sort: it loses the order.</remarks>
    /// <param name="shape">The columns of the log.</param>
    /// <param name="options">The split.</param>
    /// <param name="first">The first user.</param>
    /// <param name="last">The last one.</param>
    /// <param name="before">How many interactions the users before them have.</param>
    public static string SortedSequences(LogShape shape, PreparationOptions options, int first, int last, long before)
    {
        string next = options.Split == PreparationSplit.Time ? ", lead(time) OVER () AS next_time, lead(seq) OVER () AS next_seq" : "";
        return string.Create(CultureInfo.InvariantCulture, $"""
            SELECT s.user_no, CAST(s.user_id AS VARCHAR) AS user_id, s.position, CAST(s.item_id AS VARCHAR) AS item_id{Columns(shape)},
              {Part(options).Replace("u.interactions", "s.interactions", StringComparison.Ordinal)} AS part
            FROM (
              SELECT {Carried(shape)}, user_id, interactions, CAST(row_number() OVER () - 1 + {before} - before AS INTEGER) AS position{next}
              FROM (
                SELECT e.*, p.user_id, p.interactions, p.before
                FROM events AS e JOIN places AS p ON p.user_no = e.user_no
                WHERE e.user_no BETWEEN {first} AND {last}
                ORDER BY e.user_no, {shape.Order}
              ) AS sorted
            ) AS s
            """);
    }

    /// <summary>The catalogue in the order in which the sequences name the items.</summary>
    public static string Items(bool hasTexts) =>
        $"""
        CREATE TABLE items AS
        SELECT f.item_id, {(hasTexts ? "coalesce(c.title, '') AS title, c.description, c.brand, c.categories, c.attributes" : "'' AS title")}
        FROM (SELECT item_id, min(CAST(user_no AS BIGINT) * 4294967296 + position) AS place FROM sequences GROUP BY item_id) AS f{(hasTexts ? "\nLEFT JOIN catalogue AS c ON c.item_id = f.item_id" : "")}
        ORDER BY f.place
        """;

    private static string Carried(LogShape shape) =>
        $"user_no, item_id, seq{(shape.HasTime ? ", time" : "")}{(shape.HasEvent ? ", event" : "")}"
        + $"{(shape.HasRating || shape.HasWeight ? ", weight" : "")}{(shape.HasParts ? ", part" : "")}";

    private static string Columns(LogShape shape) =>
        $"{(shape.HasTime ? ", CAST(floor(s.time / 1000000) AS BIGINT) AS timestamp" : "")}"
        + $"{(shape.HasEvent ? ", s.event AS event_type" : "")}{(shape.HasRating || shape.HasWeight ? ", s.weight" : "")}";

    private static string Weight(LogShape shape) => shape.HasWeight ? ", c.weight" : shape.HasRating ? ", c.rating AS weight" : "";

    private static string Cut(string name, double share)
    {
        string place = $"floor({Double(share)} * total + {Double(1e-9)})";
        return $"""
            CREATE TABLE {name} AS
            SELECT time, user_no, seq
            FROM (
              SELECT t.time, t.user_no, t.seq, d.total, row_number() OVER (ORDER BY t.time, t.user_no, t.seq) + d.upto - d.targets AS place
              FROM (
                SELECT e.time, e.user_no, e.seq, {Day.Replace("time", "e.time", StringComparison.Ordinal)} AS day,
                  CASE WHEN e.time = u.first_time AND row_number() OVER (PARTITION BY e.user_no ORDER BY e.time, e.seq) = 1 THEN 1 ELSE 0 END AS is_first
                FROM events AS e JOIN users AS u ON u.user_no = e.user_no
                WHERE {Day.Replace("time", "e.time", StringComparison.Ordinal)} = (SELECT min(day) FROM day_places WHERE upto >= {place} AND targets > 0)
              ) AS t
              JOIN day_places AS d ON d.day = t.day
              WHERE t.is_first = 0
            ) AS places
            WHERE place = {place}
            """;
    }

    private static string Part(PreparationOptions options)
    {
        string train = Double(options.TrainShare), upto = Double(options.TrainShare + options.ValidationShare), small = Double(1e-9);
        return options.Split switch
        {
            PreparationSplit.LeaveOneOut =>
                "CASE WHEN u.interactions < 3 OR s.position < u.interactions - 2 THEN 'train' WHEN s.position = u.interactions - "
                + "2 THEN 'valid' ELSE 'test' END",
            PreparationSplit.Time =>
                $"CASE WHEN u.interactions = 1 THEN 'none' WHEN {AtMost("train_cut")} THEN 'train' WHEN "
                + $"{AtMost("valid_cut")} THEN 'valid' ELSE 'test' END",
            PreparationSplit.Ratio =>
                $"CASE WHEN u.interactions < 3 OR s.position < greatest(1, floor({train} * u.interactions + {small})) THEN 'train' "
                    + $"WHEN s.position < floor({upto} * u.interactions + {small}) THEN 'valid' ELSE 'test' END",
            PreparationSplit.Given => "CASE s.part WHEN 0 THEN 'train' WHEN 1 THEN 'valid' ELSE 'test' END",
            _ => "'train'",
        };

        // The first interaction of a user is no target; it goes with the second one.
        static string AtMost(string cut)
        {
            const string Time = "CASE WHEN s.position = 0 THEN s.next_time ELSE s.time END",
                Seq = "CASE WHEN s.position = 0 THEN s.next_seq ELSE s.seq END";
            string Of(string column) => $"(SELECT max({column}) FROM {cut})";
            return $"({Time} < {Of("time")} OR ({Time} = {Of("time")} AND (s.user_no < {Of("user_no")} OR (s.user_no = "
                + $"{Of("user_no")} AND {Seq} <= {Of("seq")}))))";
        }
    }

    private static string Double(double value) => Sql.Number(value) is var text && text.Contains('E', StringComparison.Ordinal) ? text
        : text + "E0";
}
