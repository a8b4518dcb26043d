using DuckDB.NET.Data;

namespace MiniOneRec.Datasets.DuckDb;

/// <content>The layouts of public data sets.</content>
internal sealed partial class LogPlanner
{
    private InteractionFormat Guess(IReadOnlyList<string> files)
    {
        switch (InputFiles.OneKind(files, nameof(options.Inputs)))
        {
            case FileKind.Atomic:
                return InteractionFormat.RecBole;
            case FileKind.Dat:
                return FirstLine(files[0]).Contains("::", StringComparison.Ordinal) ? InteractionFormat.MovieLens
                    : throw new InvalidDataException(
                        $"File '{files[0]}' has no '::' in its first line; expected MovieLens, or rename the file to .csv or .tsv.");
            case FileKind.Json:
                return FirstLine(files[0]).TrimStart() is { } line
                    && (line.StartsWith("{u'", StringComparison.Ordinal) || line.StartsWith("{'", StringComparison.Ordinal))
                    ? InteractionFormat.Steam : ByColumns(Relations.Json(files));
            case FileKind.Csv:
                return ByColumns(Relations.Csv(files, options));
            case FileKind.Parquet:
                return ByColumns(Relations.Parquet(files));
            default:
                throw new InvalidDataException("A DuckDB database must be the only input.");
        }
    }

    private InteractionFormat ByColumns(string relation)
    {
        var names = session.Describe(relation, cancellationToken).Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        bool Has(params string[] wanted) => wanted.All(names.Contains);
        return Has("reviewerID", "asin", "unixReviewTime") ? InteractionFormat.Amazon2018
            : Has("user_id", "parent_asin", "timestamp") ? InteractionFormat.Amazon2023
            : Has("user_id", "business_id", "stars") ? InteractionFormat.Yelp
            : Has("prev_items", "next_item") ? InteractionFormat.AmazonM2
            : Has("hist_video_pid") ? InteractionFormat.RecIf
            : Has("uid", "item_id", "timestamp", "is_organic") ? InteractionFormat.Yambda
            : InteractionFormat.Table;
    }

    private string FirstLine(string file) =>
        session.Scalar($"SELECT line FROM {Relations.Lines(file)} LIMIT 1", cancellationToken) as string ?? "";

    /// <summary>The column that a layout fixes for a role; empty where the layout has none; <see langword="null"/> where it is
    /// guessed.</summary>
    private static string? Fixed(InteractionFormat format, Role role) => (format, role) switch
    {
        (InteractionFormat.Table, _) => null,
        (InteractionFormat.Amazon2018, Role.User) => "reviewerID",
        (InteractionFormat.Amazon2018, Role.Item) => "asin",
        (InteractionFormat.Amazon2018, Role.Time) => "unixReviewTime",
        (InteractionFormat.Amazon2018, Role.Rating) => "overall",
        (InteractionFormat.Amazon2023, Role.Item) => "parent_asin",
        (InteractionFormat.Yelp, Role.Item) => "business_id",
        (InteractionFormat.Yelp, Role.Time) => "date",
        (InteractionFormat.Yelp, Role.Rating) => "stars",
        (InteractionFormat.AmazonM2 or InteractionFormat.RecIf, Role.Item) => "items",
        (InteractionFormat.AmazonM2, Role.User) => "session",
        (InteractionFormat.RecIf, Role.Event) => "events",
        (InteractionFormat.RecIf or InteractionFormat.Yambda, Role.User) => "uid",
        (InteractionFormat.RecIf or InteractionFormat.AmazonM2, _) => "",
        (InteractionFormat.Yambda, Role.Event) => "event_type",
        (InteractionFormat.Yambda, Role.Weight) => "played_ratio_pct",
        (InteractionFormat.RecBole, Role.Event) => "event_type",
        (InteractionFormat.Steam, Role.Weight) => "weight",
        (_, Role.User) => "user_id",
        (_, Role.Item) => "item_id",
        (_, Role.Time) => "timestamp",
        (_, Role.Rating) => "rating",
        _ => "",
    };

    private async Task<IReadOnlyList<LogRelation>> ReadAsync(IReadOnlyList<string> files, int? part, InteractionFormat format,
        PreparationSplit split)
    {
        switch (format)
        {
            case InteractionFormat.Steam:
                return [Described(await AppendAsync("steam", files.ToAsyncEnumerable()
                    .SelectMany(file => SteamReader.ReadReviewsAsync(file, options.Limits))).ConfigureAwait(false), part)];
            case InteractionFormat.RecBole:
                return [await AtomicAsync(files, part, split).ConfigureAwait(false)];
            case InteractionFormat.MovieLens:
                return [Described(Relations.Headless(files, "::", options.Encoding, "user_id", "item_id", "rating", "timestamp"), part)];
            case InteractionFormat.Amazon2018Ratings:
                return [Described(Relations.Headless(files, options.Delimiter ?? ",", options.Encoding, "item_id", "user_id", "rating",
                    "timestamp"), part)];
            case InteractionFormat.AmazonM2:
                return [Described(
                    "(SELECT locale || '-' || CAST(row_number() OVER () AS VARCHAR) AS session, "
                    + "list_append(regexp_extract_all(prev_items, '''([^'']+)''', 1), next_item) AS items "
                    + $"FROM {Relations.Csv(files, options)})", part)];
            case InteractionFormat.RecIf:
                return RecIf(files, split);
            default:
                return [Described(TableOf(files), part)];
        }
    }

    private string TableOf(IReadOnlyList<string> files)
    {
        var kind = InputFiles.OneKind(files, nameof(options.Inputs));
        if (kind == FileKind.Json)
        {
            // Values are read as texts, so that a value of another kind is found and named instead of failing the whole file.
            var columns = session.Describe(Relations.Json(files), cancellationToken);
            return Relations.Json(files, columns.Select(column => column with { Type = column.IsList ? "VARCHAR[]" : "VARCHAR" }));
        }

        return kind == FileKind.Parquet ? Relations.Parquet(files)
            : kind == FileKind.Csv ? Relations.Csv(files, options)
            : throw new InvalidDataException($"File '{files[0]}' is no table; set Format to read it.");
    }

    /// <summary>The videos of the history train and those of the target test, where the parts are to be given; otherwise they are one
    /// sequence.</summary>
    private List<LogRelation> RecIf(IReadOnlyList<string> files, PreparationSplit split)
    {
        string source = Relations.Parquet(files);
        var names = session.Describe(source, cancellationToken).Select(column => column.Name).ToHashSet(StringComparer.Ordinal);
        string Items(string kind) => names.Contains($"{kind}_video_pid") ? $"coalesce({kind}_video_pid, [])" : "[]";
        string Events(string kind)
        {
            // The strongest of the signals that are set.
            string[] signals =
                [.. new[] { "forward", "follow", "like", "longview" }.Where(signal => names.Contains($"{kind}_video_{signal}"))];
            string cases = string.Concat(signals.Select(signal => $" WHEN {kind}_video_{signal}[i] = 1 THEN '{signal}'"));
            return cases.Length == 0 ? $"[CAST('view' AS VARCHAR) FOR i IN range(1, len({Items(kind)}) + 1)]"
                : $"[CASE{cases} ELSE 'view' END FOR i IN range(1, len({Items(kind)}) + 1)]";
        }

        string Relation(string items, string events) => $"(SELECT uid, {items} AS items, {events} AS events FROM {source})";
        return split == PreparationSplit.Given
            ? [Described(Relation(Items("hist"), Events("hist")), 0), Described(Relation(Items("target"), Events("target")), 2)]
            : [Described(
                Relation($"list_concat({Items("hist")}, {Items("target")})", $"list_concat({Events("hist")}, {Events("target")})"), null)];
    }

    private async Task<LogRelation> AtomicAsync(IReadOnlyList<string> files, int? part, PreparationSplit split)
    {
        string source = Relations.Atomic(files);
        var columns = session.Describe(source, cancellationToken);
        string Short(string name) => name.LastIndexOf(':') is > 0 and var colon ? name[..colon] : name;
        if (columns.Any(column => Short(column.Name) == "item_id_list") && split != PreparationSplit.Given)
        {
            say($"'{files[0]}' holds histories; each user's rows are put together to one sequence.");
            return Described(await AppendAsync("atomic", HistoriesAsync(files)).ConfigureAwait(false), part);
        }

        return Described(
            $"(SELECT {string.Join(", ", columns.Select(column => $"{Sql.Name(column.Name)} AS {Sql.Name(Short(column.Name))}"))} FROM "
            + $"{source})", part);
    }

    private async IAsyncEnumerable<Interaction> HistoriesAsync(IReadOnlyList<string> files)
    {
        var rows = await files.ToAsyncEnumerable()
            .SelectMany(file => InterFileReader.ReadAsync(file, null, options.Limits, cancellationToken))
            .ToListAsync(cancellationToken).ConfigureAwait(false);
        int window = Math.Max(SlidingWindow.DefaultMaxHistory, rows.Max(row => row.History.Count));
        foreach (var sequence in SequenceRebuilder.Rebuild(rows, window))
        {
            for (int position = 0; position < sequence.ItemIds.Count; position++)
            {
                yield return sequence.At(position);
            }
        }
    }

    private LogRelation Described(string relation, int? part) => new(relation, session.Describe(relation, cancellationToken), part);

    /// <summary>Puts interactions that our own readers gave into a table of the working database.</summary>
    private async Task<string> AppendAsync(string name, IAsyncEnumerable<Interaction> interactions)
    {
        string table = $"{name}_{Guid.NewGuid():N}";
        session.Execute($"CREATE TABLE {table} (user_id VARCHAR, item_id VARCHAR, timestamp BIGINT, weight DOUBLE)", cancellationToken);
        bool timed = false;
        using (var appender = session.Connection.CreateAppender(table))
        {
            await foreach (var interaction in interactions.WithCancellation(cancellationToken).ConfigureAwait(false))
            {
                timed |= interaction.Timestamp is not null;
                appender.CreateRow().AppendValue(interaction.UserId).AppendValue(interaction.ItemId).AppendValue(interaction.Timestamp)
                    .AppendValue(interaction.Weight).EndRow();
            }
        }

        return timed ? table : $"(SELECT user_id, item_id FROM {table})";
    }
}
