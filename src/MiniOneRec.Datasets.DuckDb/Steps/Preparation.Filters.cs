using System.Globalization;

namespace MiniOneRec.Datasets.DuckDb;

/// <content>The filters between the log and the sequences.</content>
internal sealed partial class Preparation
{
    private void Filter()
    {
        if (options.Events.Count > 0)
        {
            View("events", "of_events", StepSql.Events(_from, options.Events), () =>
            {
                var there = session.Rows($"SELECT event, count(*) FROM {_from} GROUP BY event ORDER BY 2 DESC LIMIT 10",
                    reader => $"'{reader.GetValue(0)}' ({reader.GetValue(1)})");
                return $"Events (--event) asks for '{string.Join("', '", options.Events)}'; the log has {string.Join(", ", there)}";
            });
        }

        if (options.MinRating is { } minimum)
        {
            View("rating", "rated", StepSql.Rating(_from, minimum), () =>
                $"MinRating (--min-rating) is {Sql.Number(minimum)}; the highest rating is {Value($"SELECT max(rating) FROM {_from}")}");
        }
    }

    /// <summary>The window with the k-core behind it: where items are too few, it starts a year earlier and all is done again.</summary>
    private void Window()
    {
        if (options.Start is null && options.End is null)
        {
            return;
        }

        var start = options.Start;
        if (options.MinItems > 0 && Runs)
        {
            while (start is { Year: > FirstYear } && ItemsOfCore(start) < options.MinItems)
            {
                start = start.Value.AddYears(-1);
            }

            if (start != options.Start)
            {
                say(
                    $"The window starts on {start:yyyy-MM-dd} instead of {options.Start:yyyy-MM-dd}, "
                    + $"so that at least {options.MinItems} items remain (MinItems).");
            }
        }

        View("time window", "in_window", StepSql.Window(_from, start, options.End), () =>
            $"Start and End (--start, --end) allow {start?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "any time"} to "
            + $"{options.End?.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture) ?? "any time"}; "
                + $"the log runs from {Value($"SELECT strftime(make_timestamp(min(time)), '%Y-%m-%d') FROM {_from}")} to "
                + $"{Value($"SELECT strftime(make_timestamp(max(time)), '%Y-%m-%d') FROM {_from}")}");
    }

    private long ItemsOfCore(DateOnly? start)
    {
        session.Execute(StepSql.Window(_from, start, options.End).Replace("VIEW in_window", "VIEW trial", StringComparison.Ordinal),
            cancellationToken);
        int rounds = CoreRounds("trial", options.MinPerUser, options.MinPerItem, session.Execute);
        long items = session.Count($"SELECT count(*) FROM core_items_{rounds}", cancellationToken);
        DropRounds(rounds);
        session.Execute("DROP VIEW trial", cancellationToken);
        return items;
    }

    private void Clean()
    {
        if (options.Duplicates != DuplicatePolicy.Keep)
        {
            View("duplicates", "without_copies", StepSql.Duplicates(_from, _shape, options.Duplicates), () => "no copy is kept");
        }

        if (options.MaxPerUser is { } most)
        {
            Step("busy users", "without_busy", StepSql.BusyUsers(_from, most), () =>
                $"MaxPerUser (--max-per-user) is {most}; "
                + "the user with the fewest interactions has "
                + $"{Value($"SELECT min(n) FROM (SELECT count(*) AS n FROM {_from} GROUP BY user_id) AS counts")}");
        }

        if (options.MaxPerMinute is { } pace)
        {
            Step("fast sessions", "without_fast", StepSql.FastSessions(_from, _shape, options.SessionGapMinutes ?? 30, pace), () =>
                $"MaxPerMinute (--max-per-minute) is {Sql.Number(pace)} and all sessions are faster; raise it");
        }

        if (options.SessionGapMinutes is { } gap)
        {
            Step("sessions", "by_session", StepSql.SessionUsers(_from, _shape, gap), () => "no session remains");
        }
    }

    private void Core()
    {
        const string CoreStep = "k-core";
        Started(CoreStep);
        int rounds;
        if (Runs)
        {
            rounds = CoreRounds(_from, options.MinPerUser, options.MinPerItem, (text, _) => Run(CoreStep, text));
        }
        else
        {
            rounds = PrintedRounds!.Value;
            for (int round = 1; round <= rounds; round++)
            {
                Run(CoreStep, StepSql.CoreUsers(_from, round, options.MinPerUser));
                Run(CoreStep, StepSql.CoreItems(_from, round, options.MinPerItem));
            }
        }

        string before = _from;
        Step(CoreStep, "core", [StepSql.Core(before, rounds)], () => CoreRemedy(before, rounds));
        Run("users", SplitSql.Users(_shape));
        Run("users", SplitSql.Events(_shape));
    }

    /// <summary>Removes rare users and items in turns until nothing changes; returns the last round.</summary>
    private int CoreRounds(string from, int minPerUser, int minPerItem, Action<string, CancellationToken> run)
    {
        long users = -1;
        for (int round = 1; round <= MaxRounds; round++)
        {
            run(StepSql.CoreUsers(from, round, minPerUser), cancellationToken);
            long now = session.Count($"SELECT count(*) FROM core_users_{round}", cancellationToken);
            run(StepSql.CoreItems(from, round, minPerItem), cancellationToken);
            if (now == users || now == 0)
            {
                return round;
            }

            users = now;
        }

        throw new InvalidDataException(
            $"{session.Subject}: the k-core has not settled after {MaxRounds} rounds; lower MinPerUser (--min-per-user) "
            + "or MinPerItem (--min-per-item).");
    }

    private void DropRounds(int rounds)
    {
        for (int round = 1; round <= rounds; round++)
        {
            session.Execute($"DROP TABLE core_users_{round}", cancellationToken);
            session.Execute($"DROP TABLE core_items_{round}", cancellationToken);
        }
    }

    /// <summary>Says which thresholds would have kept rows.</summary>
    private string CoreRemedy(string from, int rounds)
    {
        session.Execute("DROP VIEW core", cancellationToken);
        DropRounds(rounds);
        string asked =
            $"no user with at least {options.MinPerUser} (MinPerUser, --min-per-user) "
            + $"and item with at least {options.MinPerItem} interactions (MinPerItem, --min-per-item) remains";
        for (int k = Math.Max(options.MinPerUser, options.MinPerItem) - 1; k >= 1; k--)
        {
            int perUser = Math.Min(k, options.MinPerUser), perItem = Math.Min(k, options.MinPerItem);
            int last = CoreRounds(from, perUser, perItem, session.Execute);
            long kept = session.Count(
                $"SELECT count(*) FROM {from} WHERE user_id IN (SELECT user_id FROM core_users_{last}) "
                + $"AND item_id IN (SELECT item_id FROM core_items_{last})", cancellationToken);
            DropRounds(last);
            if (kept > 0)
            {
                return $"{asked}; {perUser} and {perItem} would keep {kept}";
            }
        }

        return asked;
    }

    private string Value(string sql) => Convert.ToString(session.Scalar(sql, cancellationToken), CultureInfo.InvariantCulture) ?? "missing";
}
