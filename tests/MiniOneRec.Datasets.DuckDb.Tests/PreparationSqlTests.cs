namespace MiniOneRec.Datasets.DuckDb.Tests;

/// <summary>The printed SQL on a plain connection gives what the built-in path writes.</summary>
public sealed class PreparationSqlTests
{
    public static TheoryData<PreparationSplit, DuplicatePolicy> Cases => new()
    {
        { PreparationSplit.Time, DuplicatePolicy.Keep },
        { PreparationSplit.LeaveOneOut, DuplicatePolicy.DropExact },
        { PreparationSplit.Ratio, DuplicatePolicy.KeepLast },
        { PreparationSplit.None, DuplicatePolicy.DropConsecutive },
    };

    [Theory]
    [MemberData(nameof(Cases))]
    public async Task PrintedSql_RunByAStranger_GivesTheSameRows(PreparationSplit split, DuplicatePolicy duplicates)
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "log.parquet");
        Engine.Sql(
            "COPY (SELECT CAST(hash(i) % 40 AS BIGINT) AS user_id, CAST(hash(i * 3) % 25 AS BIGINT) AS item_id, "
            + "CAST(1500000000 + hash(i * 5) % 300 * 43200 AS BIGINT) AS timestamp, 'view' AS event, "
            + $"i % 5 AS rating FROM range(600) t(i)) TO '{path}'");
        var source = new DuckDbInteractionSource(Engine.Source(path));
        var options = new PreparationOptions
        {
            Split = split, Duplicates = duplicates, Events = ["view"], MinRating = 1, MaxPerUser = 100, MaxPerMinute = 100,
                SessionGapMinutes = 200_000,
            Start = new(2017, 8, 1), End = new(2021, 1, 1), MinPerUser = 3, MinPerItem = 4,
        };
        string target = Path.Combine(folder.Path, "prepared");
        await source.SaveAsync(target, options);

        var printed = await source.PrintSqlAsync(options);

        const string All = "SELECT * FROM sequences ORDER BY user_no, position", Items = "SELECT item_id, title FROM items";
        var expected = Engine.Sql("SELECT 1", $"SELECT * FROM read_parquet('{target}/sequences/*.parquet')");
        Assert.NotEmpty(expected);
        Assert.Equal(expected, Engine.Sql(printed.ToString(), All));
        Assert.Equal(Engine.Sql("SELECT 1", $"SELECT item_id, title FROM read_parquet('{target}/items.parquet')"),
            Engine.Sql(printed.ToString(), Items));

        // The SQL beside the artifact has as many rounds of the k-core as were needed.
        Assert.Equal(expected, Engine.Sql(await File.ReadAllTextAsync(Path.Combine(target, "prepare.sql")), All));
    }

    [Fact]
    public async Task PrintedSql_IsPlainAfterTheFirstStatement()
    {
        using var folder = new TempFolder();
        var source = new DuckDbInteractionSource(Engine.Source(folder.File("log.csv", "user,item,time\na,b,1\n")));

        var printed = await source.PrintSqlAsync(new() { Split = PreparationSplit.Time }, rounds: 2);

        Assert.Equal(["read", "incomplete rows", "k-core", "users", "split", "sequences", "items"],
            printed.Statements.Select(statement => statement.Step).Distinct());
        string[] own = ["rowid", "//", "list(", "epoch_us", "EXCLUDE", "QUALIFY", "read_", "unnest", "GROUP BY ALL", "::"];
        Assert.All(printed.Statements.Skip(1),
            statement => Assert.DoesNotContain(own, word => statement.Text.Contains(word, StringComparison.Ordinal)));
        Assert.Equal(2,
            printed.Statements.Count(statement => statement.Text.StartsWith("CREATE TABLE core_items", StringComparison.Ordinal)));
    }
}
