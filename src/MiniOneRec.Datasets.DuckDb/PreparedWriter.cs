using System.Globalization;

namespace MiniOneRec.Datasets.DuckDb;

/// <summary>Writes the Parquet files of a prepared folder.</summary>
internal sealed class PreparedWriter(
    DuckDbSession session, Preparation preparation, PreparationOptions options, IPreparationObserver observer,
    CancellationToken cancellationToken)
{
    /// <summary>How many interactions a file has, so that ordering one fits in memory.</summary>
    private const long RowsPerFile = 5_000_000;

    private const string Format = "(FORMAT parquet, COMPRESSION zstd)";

    public async Task<PreparationReport> WriteSequencesAsync(string folder, LogPlan plan)
    {
        await preparation.PrepareAsync(plan).ConfigureAwait(false);
        observer.OnStarted("sequences");
        string target = Path.Combine(folder, PreparedFolder.Sequences);
        Directory.CreateDirectory(target);
        session.Execute(SplitSql.Places(RowsPerFile), cancellationToken);
        var files = session.Rows("SELECT min(user_no), max(user_no), min(before) FROM places GROUP BY file ORDER BY 1",
            reader => (First: reader.GetInt32(0), Last: reader.GetInt32(1), Before: reader.GetInt64(2)), cancellationToken);
        preparation.Note("sequences", "CREATE TABLE sequences AS\n" + SplitSql.Sequences(preparation.Shape, options));
        foreach (var (number, (first, last, before)) in files.Index())
        {
            string select = SplitSql.SortedSequences(preparation.Shape, options, first, last, before);
            session.Execute($"COPY (\n{select}\n) TO {Sql.Text(Path.Combine(target, $"part-{number:D5}.parquet"))} {Format}",
                cancellationToken);
        }

        // Blocks of tables that are done with are free for what follows.
        session.Execute("DROP TABLE events", cancellationToken);
        session.Execute(
            $"CREATE VIEW sequences AS SELECT * FROM read_parquet({Sql.List(Directory.GetFiles(target).Order(StringComparer.Ordinal))})",
            cancellationToken);
        preparation.Run("items", SplitSql.Items(preparation.HasTexts));
        session.Execute($"COPY (SELECT * FROM items) TO {Sql.Text(Path.Combine(folder, PreparedFolder.ItemsFile))} {Format}",
            cancellationToken);
        var parts = session.Rows(
            "SELECT part, count(*) FROM sequences WHERE position > 0 GROUP BY part",
            reader => (Part: reader.GetString(0), Count: reader.GetInt64(1)), cancellationToken)
            .ToDictionary(pair => pair.Part, pair => pair.Count, StringComparer.Ordinal);
        long interactions = session.Count("SELECT count(*) FROM sequences", cancellationToken);
        preparation.Finished("sequences", interactions, interactions);
        return Report(parts, session.Count("SELECT count(*) FROM users", cancellationToken),
            session.Count("SELECT count(*) FROM items", cancellationToken), interactions);
    }

    /// <summary>Writes rows of histories with their targets as they are given.</summary>
    public async Task<PreparationReport> WriteRowsAsync(string folder, LogPlan plan, DuckDbSourceOptions source, Action<string> say)
    {
        observer.OnStarted("read");
        preparation.Run("read", "CREATE TABLE rows AS\n" + new LogColumns(plan, session, source, say, cancellationToken).SelectRows);
        long rows = session.Count("SELECT count(*) FROM rows", cancellationToken);
        preparation.Finished("read", rows, rows);
        say("The files hold histories with their targets; rows are taken as they are, and no step filters them.");
        string target = Path.Combine(folder, PreparedFolder.Rows);
        Directory.CreateDirectory(target);
        const string Part = "CASE part WHEN 0 THEN 'train' WHEN 1 THEN 'valid' ELSE 'test' END AS part";
        session.Execute(
            $"COPY (SELECT seq, user_id, list_filter(history, item -> item <> '') AS history, item_id, {Part} FROM rows ORDER BY seq) "
            + $"TO {Sql.Text(Path.Combine(target, "part-00000.parquet"))} {Format}",
            cancellationToken);
        if (source.Items.Count > 0)
        {
            await new ItemTextReader(session, source, plan.Format, say, cancellationToken).ReadAsync(runs: true).ConfigureAwait(false);
            preparation.Run("items", StepSql.Catalogue(options.MaxTitleWords ?? 0, options.CleanText));
        }

        string texts = source.Items.Count > 0 ? "coalesce(c.title, '') AS title, c.description, c.brand, c.categories, c.attributes"
            : "'' AS title";
        string join = source.Items.Count > 0 ? " LEFT JOIN catalogue AS c ON c.item_id = f.item_id" : "";
        session.Execute(
            $"CREATE TABLE items AS SELECT f.item_id, {texts} FROM (SELECT item_id, min(place) "
            + "AS place FROM (SELECT unnest(list_append(history, item_id)) AS item_id, "
                + "seq * 4294967296 + unnest(range(len(history) + 1)) AS place FROM rows) "
                + $"AS named WHERE item_id <> '' GROUP BY item_id) AS f{join} ORDER BY f.place", cancellationToken);
        session.Execute($"COPY (SELECT * FROM items) TO {Sql.Text(Path.Combine(folder, PreparedFolder.ItemsFile))} {Format}",
            cancellationToken);
        var parts = session.Rows($"SELECT {Part}, count(*) FROM rows GROUP BY ALL",
            reader => (Part: reader.GetString(0), Count: reader.GetInt64(1)), cancellationToken)
            .ToDictionary(pair => pair.Part, pair => pair.Count, StringComparer.Ordinal);
        return Report(parts, session.Count("SELECT count(DISTINCT user_id) FROM rows", cancellationToken),
            session.Count("SELECT count(*) FROM items", cancellationToken), rows);
    }

    private PreparationReport Report(Dictionary<string, long> parts, long users, long items, long interactions) => new()
    {
        Name = "",
        Split = options.Split switch
        {
            PreparationSplit.LeaveOneOut => "leave-one-out",
            var split => split.ToString().ToLowerInvariant(),
        },
        Users = users,
        Items = items,
        Interactions = interactions,
        TrainRows = parts.GetValueOrDefault("train"),
        ValidationRows = parts.GetValueOrDefault("valid"),
        TestRows = parts.GetValueOrDefault("test"),
        Steps = [],
        Notes = [],
    };
}
