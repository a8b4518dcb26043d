namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Writes the expressions that turn the columns of a log into ids, times and numbers, after a look at the first rows.</summary>
/// <remarks>Times are whole microseconds since 1970 in UTC. A value that cannot be turned is empty and is named by
/// <see cref="FindBadValue"/>.</remarks>
internal sealed class LogColumns
{
    private const int SampleRows = 100_000;
    private static readonly string[] GermanTimes = ["%d.%m.%Y %H:%M:%S", "%d.%m.%Y %H:%M", "%d.%m.%Y"];
    private static readonly (TimeUnit Unit, double From, double Below, long Microseconds)[] Units =
    [
        (TimeUnit.Seconds, 0, 1e11, 1_000_000), (TimeUnit.Milliseconds, 1e11, 1e14, 1_000), (TimeUnit.Microseconds, 1e14, 1e17, 1),
            (TimeUnit.Nanoseconds, 1e17, double.MaxValue, 0),
    ];

    private readonly LogPlan _plan;
    private readonly DuckDbSession _session;
    private readonly DuckDbSourceOptions _options;
    private readonly Action<string> _say;
    private readonly CancellationToken _cancellationToken;
    private readonly Dictionary<Role, string> _expressions = [];

    public LogColumns(LogPlan plan, DuckDbSession session, DuckDbSourceOptions options, Action<string> say,
        CancellationToken cancellationToken)
    {
        (_plan, _session, _options, _say, _cancellationToken) = (plan, session, options, say, cancellationToken);
        foreach (var (role, _) in plan.Columns)
        {
            string type = Type(role), raw = Raw(role);
            _expressions[role] = role switch
            {
                Role.User or Role.Item or Role.Event => Id(raw, type),
                Role.Time => Time(raw, type),
                _ => Number(role, raw, type),
            };
        }
    }

    /// <summary>Gets the unit of times that are numbers; <see cref="TimeUnit.Auto"/> where they are dates.</summary>
    public TimeUnit Unit { get; private set; }

    /// <summary>The rows of the log with one value per column, as <c>raw_user</c>, <c>raw_item</c> and so on.</summary>
    public string Source => string.Join("\n  UNION ALL\n  ", _plan.Relations.Select(Rows));

    /// <summary>The query that gives the interactions in the order of the log.</summary>
    public string Select
    {
        get
        {
            var columns = _plan.Columns.Keys.Select(role => $"{_expressions[role]} AS {Column(role)}")
                .Prepend("row_number() OVER () - 1 AS seq");
            return $"SELECT\n  {string.Join(",\n  ", _plan.HasParts ? columns.Append("part") : columns)}\nFROM (\n  {Source}\n) AS log";
        }
    }

    /// <summary>The query that gives rows of histories in the order of the files.</summary>
    public string SelectRows =>
        "SELECT row_number() OVER () - 1 AS seq, raw_user AS user_id, string_split(trim(history), ' ') AS history, "
        + "raw_item AS item_id, part\nFROM (\n  "
        + string.Join("\n  UNION ALL\n  ", _plan.Relations.Select(relation =>
            "SELECT user_id AS raw_user, item_id_list AS history, item_id AS raw_item, "
            + $"{relation.Part} AS part FROM {relation.Relation} AS source_{relation.Part}")) + "\n) AS log";

    /// <summary>The name of a role's column in the table of interactions.</summary>
    public static string Column(Role role) => role switch
    {
        Role.User => "user_id",
        Role.Item => "item_id",
        Role.Time => "time",
        Role.Event => "event",
        Role.Rating => "rating",
        _ => "weight",
    };

    /// <summary>Fails where a column of numbers or times holds something else, and names the first such row.</summary>
    /// <param name="role">The column, which is empty in some rows.</param>
    public void FindBadValue(Role role)
    {
        string raw = Raw(role);
        var bad = _session.Rows(
            $"SELECT row, CAST(value AS VARCHAR) FROM (SELECT row_number() OVER () AS row, {raw} AS value, "
            + $"{_expressions[role]} AS read FROM ({Source}) AS log) AS rows "
                + "WHERE value IS NOT NULL AND trim(CAST(value AS VARCHAR)) <> '' AND read IS NULL LIMIT 1",
            reader => (Row: reader.GetInt64(0), Value: reader.GetString(1)), _cancellationToken);
        if (bad is [var (row, value)])
        {
            string what = role == Role.Time
                ? $"time; expected {(Unit == TimeUnit.Auto ? "a date" : "a number")} as in the other rows. "
                + "Set TimeFormat (--time-format), or repair the row"
                : "number. Set DecimalComma (--decimal-comma), or repair the row";
            throw new InvalidDataException(
                $"{_plan.Subject}, row {row}, column '{_plan.Columns[role]}': {DataFile.Show(value)} is no {what}, "
                + $"or set Columns.{role} to another column.");
        }
    }

    /// <summary>Fails where times of two units stand in one column.</summary>
    public void RequireOneUnit(string table)
    {
        var unit = Array.Find(Units, entry => entry.Unit == Unit);
        if (Unit is TimeUnit.Auto or TimeUnit.Nanoseconds || _options.TimeUnit != TimeUnit.Auto)
        {
            return;
        }

        string early = unit.From > 0 ? $" OR time < {Sql.Number(unit.From * unit.Microseconds)}" : "";
        string outside = $"time <> 0 AND (time >= {Sql.Number(unit.Below * unit.Microseconds)}{early})";
        var odd = _session.Rows(
            $"SELECT seq + 1, time / {unit.Microseconds}, (SELECT count(*) FROM {table} WHERE {outside}) "
            + $"FROM {table} WHERE {outside} ORDER BY seq LIMIT 1",
            reader =>
            (Row: reader.GetInt64(0), Value: Convert.ToDouble(reader.GetValue(1), System.Globalization.CultureInfo.InvariantCulture),
            Count: reader.GetInt64(2)), _cancellationToken);
        if (odd is [var (row, value, count)])
        {
            string other = Units.First(entry => Math.Abs(value) < entry.Below).Unit.ToString().ToLowerInvariant();
            throw new InvalidDataException(
                $"{_plan.Subject}, row {row}, column '{_plan.Columns[Role.Time]}': {value:F0} looks like {other}, "
                + $"but other rows hold {Unit.ToString().ToLowerInvariant()} ({count} such rows). "
                + "Bring the column to one unit, or set TimeUnit (--time-unit) if the values are right.");
        }
    }

    private static string Raw(Role role) => "raw_" + role.ToString().ToLowerInvariant();

    private static bool IsText(string type) => type is "VARCHAR" or "JSON";

    private static bool IsInteger(string type) => type.EndsWith("INT", StringComparison.Ordinal) || type == "INTEGER" || type == "UINTEGER";

    private static string Id(string raw, string type) => IsText(type) ? $"nullif(trim({raw}), '')"
        : IsInteger(type) ? raw
        : type is "DOUBLE" or "FLOAT"
            ? $"CASE WHEN {raw} = floor({raw}) THEN CAST(TRY_CAST({raw} AS BIGINT) AS VARCHAR) ELSE CAST({raw} AS VARCHAR) END"
        : $"CAST({raw} AS VARCHAR)";

    private string Rows(LogRelation relation)
    {
        var types = relation.Columns.ToDictionary(column => column.Name, column => column);
        var columns = _plan.Columns.Select(pair => !types.TryGetValue(pair.Value, out var column)
            ? throw new InvalidDataException(
                $"{_plan.Subject}: the files of the parts have different columns; '{pair.Value}' is not in all of them.")
            : $"{(column.IsList ? $"unnest({Sql.Name(pair.Value)})" : Sql.Name(pair.Value))} AS {Raw(pair.Key)}");
        return $"SELECT {string.Join(", ", relation.Part is { } part ? columns.Append($"{part} AS part") : columns)} FROM "
            + $"{relation.Relation} AS source_{relation.Part ?? 0}";
    }

    private string Type(Role role) => _plan.Relations[0].Columns.First(column => column.Name == _plan.Columns[role]).ElementType;

    private string Number(Role role, string raw, string type)
    {
        if (!IsText(type))
        {
            return $"TRY_CAST({raw} AS DOUBLE)";
        }

        bool comma = _options.DecimalComma ?? Sample(
            $"count(*) FILTER (regexp_full_match(trim({raw}), '-?[0-9.]*,[0-9]+')) > 0 AND count(*) FILTER (regexp_full_match(trim({raw}), "
            + $"'-?[0-9]+[.][0-9]{{1,2}}')) = 0") is true;
        if (comma && _options.DecimalComma is null)
        {
            _say($"Column '{_plan.Columns[role]}' has decimal commas; set DecimalComma to read it in another way.");
        }

        return comma ? $"TRY_CAST(replace(replace(trim({raw}), '.', ''), ',', '.') AS DOUBLE)" : $"TRY_CAST(trim({raw}) AS DOUBLE)";
    }

    private string Time(string raw, string type)
    {
        string column = _plan.Columns[Role.Time];
        if (type.StartsWith("TIMESTAMP", StringComparison.Ordinal) || type == "DATE")
        {
            return $"epoch_us({raw})";
        }

        if (!IsText(type))
        {
            return IsInteger(type) || type is "DOUBLE" or "FLOAT" || type.StartsWith("DECIMAL", StringComparison.Ordinal)
                ? OfNumber(raw, IsInteger(type))
                : throw new InvalidDataException(
                    $"{_plan.Subject}: column '{column}' has the type {type}; expected a number, a date or a text. "
                    + "Set Columns.Time (--time) to another column.");
        }

        if (_options.TimeFormat is { } format)
        {
            return $"epoch_us(try_strptime(trim({raw}), {Sql.Text(format)}))";
        }

        string iso = $"epoch_us(TRY_CAST(trim({raw}) AS TIMESTAMPTZ))",
            german = $"epoch_us(try_strptime(trim({raw}), {Sql.List(GermanTimes)}))";
        var found = new[] { $"TRY_CAST(trim({raw}) AS DOUBLE)", iso, german }
            .Select(read => Convert.ToInt64(Sample($"count({read})") ?? 0L, System.Globalization.CultureInfo.InvariantCulture)).ToArray();
        long best = found.Max();
        if (best == 0 && Sample($"min(nullif(trim({raw}), ''))") is string example)
        {
            throw new InvalidDataException(
                $"{_plan.Subject}: column '{column}' holds {DataFile.Show(example)}, which is no time; set TimeFormat (--time-format), "
                + "for example '%m/%d/%Y', or Columns.Time (--time) to another column, or to '' for none.");
        }

        if (found[0] == best)
        {
            return OfNumber($"trim({raw})", isInteger: false);
        }

        if (found[2] == best)
        {
            _say($"Times of '{column}' are read as day.month.year; set TimeFormat to read them in another way.");
        }

        return found[1] == best ? iso : german;
    }

    private string OfNumber(string raw, bool isInteger)
    {
        Unit = _plan.TimeUnit;
        if (Unit == TimeUnit.Auto)
        {
            double largest =
                Convert.ToDouble(Sample($"max(abs(TRY_CAST({raw} AS DOUBLE)))") ?? 0d, System.Globalization.CultureInfo.InvariantCulture);
            Unit = Units.First(entry => largest < entry.Below).Unit;
            _say(
                $"Times of '{_plan.Columns[Role.Time]}' are read as {Unit.ToString().ToLowerInvariant()}; "
                + "set TimeUnit to read them in another way.");
        }

        string whole = isInteger ? $"CAST({raw} AS BIGINT)" : $"TRY_CAST({raw} AS DECIMAL(28, 9))";
        // seconds, as our own reader has them
        string scaled = _plan.Format == InteractionFormat.Amazon2023 ? $"floor({whole} / 1000) * 1000000"
            : Unit switch
            {
                TimeUnit.Seconds => $"{whole} * 1000000",
                TimeUnit.Milliseconds => $"{whole} * 1000",
                TimeUnit.Microseconds => whole,
                _ => $"{whole} / 1000",
            };
        return isInteger && Unit != TimeUnit.Nanoseconds && _plan.Format != InteractionFormat.Amazon2023 ? scaled
            : $"CAST(floor({scaled}) AS BIGINT)";
    }

    private object? Sample(string aggregate) =>
        _session.Scalar($"SELECT {aggregate} FROM (SELECT * FROM ({Source}) AS log LIMIT {SampleRows}) AS sample", _cancellationToken);
}
