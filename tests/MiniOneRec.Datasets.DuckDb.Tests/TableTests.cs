using System.IO.Compression;

namespace MiniOneRec.Datasets.DuckDb.Tests;

/// <summary>Logs of one's own: Parquet, CSV, JSON lines, databases.</summary>
public sealed class TableTests
{
    private static readonly string[] Expected = ["ann:a@100 c@150 b@200", "bob:b@50"];

    [Theory]
    [InlineData("log.parquet", "(FORMAT parquet)")]
    [InlineData("log.csv", "(FORMAT csv, HEADER)")]
    [InlineData("log.csv.gz", "(FORMAT csv, HEADER, COMPRESSION gzip)")]
    [InlineData("log.csv.zst", "(FORMAT csv, HEADER, COMPRESSION zstd)")]
    [InlineData("log.tsv", "(FORMAT csv, HEADER, DELIMITER '\t')")]
    [InlineData("log.jsonl", "(FORMAT json)")]
    [InlineData("log.jsonl.gz", "(FORMAT json, COMPRESSION gzip)")]
    [InlineData("log.json.zst", "(FORMAT json, COMPRESSION zstd)")]
    public async Task Load_EachKindOfFile_GivesTheSameSequences(string name, string format)
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, name);
        Engine.Sql(
            "COPY (SELECT * FROM (VALUES ('ann', 'b', 200), ('bob', 'b', 50), ('ann', 'a', 100), ('ann', 'c', 150)) AS t(user_id, "
            + $"item_id, timestamp)) TO '{path}' {format}");

        Assert.Equal(Expected, await Engine.ShowAsync(Engine.Source(path)));
    }

    [Fact]
    public async Task Load_GermanCsvWithMarkSemicolonsAndDecimalCommas_IsReadAndSaidAloud()
    {
        using var folder = new TempFolder();
        string path = folder.File("bestellungen.csv",
            "\uFEFFKunden-Nr.;Artikel-Nr.;Bestelldatum;Bewertung\n7;t1;31.12.2020 14:05;4,5\n7;t2;01.01.2021 "
            + "00:00;1.000,25\n8;t1;02.01.2021 08:30;3\n");
        var watcher = new Watcher();

        var found = await Engine.ShowAsync(Engine.Source(path), watcher: watcher);

        Assert.Equal(["7:t1@1609423500*4.5 t2@1609459200*1000.25", "8:t1@1609576200*3"], found);
        Assert.Contains(watcher.Messages,
            text => text.Contains("user = 'Kunden-Nr.', item = 'Artikel-Nr.', time = 'Bestelldatum', rating = 'Bewertung'"));
        Assert.Contains(watcher.Messages, text => text.Contains("decimal commas"));
        Assert.Contains(watcher.Messages, text => text.Contains("day.month.year"));
    }

    [Theory]
    [InlineData("TIMESTAMP_NS '2020-01-01 00:00:00.5'", 1577836800L)]
    [InlineData("TIMESTAMP '2020-01-01 00:00:01'", 1577836801L)]
    [InlineData("DATE '2020-01-02'", 1577923200L)]
    [InlineData("1577836800000::BIGINT", 1577836800L)]
    [InlineData("1577836800000000::BIGINT", 1577836800L)]
    [InlineData("1577836800000000000::BIGINT", 1577836800L)]
    [InlineData("1577836800.75::DOUBLE", 1577836800L)]
    [InlineData("'2020-01-01T02:00:00+02:00'", 1577836800L)]
    [InlineData("'1577836800'", 1577836800L)]
    public async Task Load_ParquetWithIntegerIdsAndTimesOfAnyKind_GivesSeconds(string time, long expected)
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "log.parquet");
        Engine.Sql($"COPY (SELECT 12345678901::BIGINT AS uid, 7::UINTEGER AS product_id, {time} AS ts) TO '{path}'");

        Assert.Equal([$"12345678901:7@{expected}"], await Engine.ShowAsync(Engine.Source(path)));
    }

    [Fact]
    public async Task Load_ListColumns_GiveAnInteractionPerMember()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "lists.parquet");
        Engine.Sql($"COPY (SELECT * FROM (VALUES (1, [7, 8, 7], [10, 30, 20]), (2, [9], [5])) AS t(uid, items, timestamps)) TO '{path}'");

        Assert.Equal(["1:7@10 7@20 8@30", "2:9@5"], await Engine.ShowAsync(Engine.Source(path)));
    }

    [Fact]
    public async Task Load_PartitionedFolderOfAnotherEngine_ReadsAllFilesButItsBookkeeping()
    {
        using var folder = new TempFolder();
        folder.File("log/_SUCCESS", "");
        folder.File("log/_metadata.parquet", "not a Parquet file");
        Engine.Sql(
            "COPY (SELECT * FROM (VALUES ('ann', 'a', 1, '2020'), ('ann', 'b', 2, '2021')) AS t(user_id, item_id, ts, year)) "
            + $"TO '{folder.Path}/log' (FORMAT parquet, PARTITION_BY (year), OVERWRITE_OR_IGNORE)");

        Assert.Equal(["ann:a@1 b@2"], await Engine.ShowAsync(Engine.Source(Path.Combine(folder.Path, "log"))));
        Assert.Equal(["ann:b@2"], await Engine.ShowAsync(Engine.Source(Path.Combine(folder.Path, "log", "year=2021", "*.parquet"))));
        Assert.Equal(["ann:a@1 b@2"], await Engine.ShowAsync(Engine.Source(Path.Combine(folder.Path, "**/*_0.parquet"))));
    }

    [Fact]
    public async Task Load_DatabaseTableAndQuery_AreRead()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "shop.duckdb");
        Engine.Sql(
            $"ATTACH '{path}' AS db; CREATE TABLE db.orders AS SELECT 'ann' AS customer, 'a' AS sku, 10 AS ts; "
            + "CREATE TABLE db.views AS SELECT 'bob' AS customer, 'b' AS sku, 20 AS ts;");
        var source = Engine.Source(path);

        source.Table = "orders";
        Assert.Equal(["ann:a@10"], await Engine.ShowAsync(source));

        source.Table = null;
        source.Query = "SELECT customer AS user_id, sku AS item_id, ts + 1 AS ts FROM orders UNION ALL SELECT * FROM views;";
        Assert.Equal(["ann:a@11", "bob:b@20"], await Engine.ShowAsync(source));
    }

    [Fact]
    public async Task Load_JsonLinesWithMissingFields_LeavesIncompleteRowsOutAndCountsThem()
    {
        using var folder = new TempFolder();
        string path = folder.File("log.jsonl",
            """
            {"user": "ann", "item": "a", "time": 10, "event": "view"}
            {"user": "ann", "time": 20}
            {"user": 5, "item": "b", "time": "30"}
            {"item": "b", "time": 40, "event": "buy"}
            """);
        var watcher = new Watcher();

        var found = await Engine.ShowAsync(Engine.Source(path), watcher: watcher);

        Assert.Equal(["ann:a@10/view", "5:b@30/"], found);
        Assert.Contains(new PreparationStep("incomplete rows", 4, 2), watcher.Steps);
        Assert.Contains(watcher.Messages, text => text.StartsWith("2 of 4 rows lack", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Load_NamedColumns_OverruleGuesses()
    {
        using var folder = new TempFolder();
        string path = folder.File("log.csv", "user_id,who,what,when,stars,times\nx,ann,a,10,5,2\nx,ann,b,5,4,3\n");
        var source = Engine.Source(path);
        source.Columns = new() { User = "who", Item = "what", Time = "when", Rating = "", Weight = "times" };

        Assert.Equal(["ann:b@5*3 a@10*2"], await Engine.ShowAsync(source));
    }

    [Fact]
    public async Task Load_ItemsOfATable_JoinTextsAndAttributes()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("log.csv", "user,item\nann,02\nann,01\nann,99\n"));
        source.Items = [folder.File("artikel.csv",
            "Artikelnummer;Bezeichnung;Marke;Kategorie;Preis;Farbe\n01;\"Zelt <b>groß</b> &amp; "
            + "leicht\";Nord;Camping|Zelte;199,90;rot\n02;Matte;;;;\n03;Herd;;;;\n")];

        var data = await new DuckDbInteractionSource(source)
            .LoadAsync(new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.None, CleanText = true });

        Assert.Equal(["02", "01"], data.ItemIds);
        Assert.Equal(["Matte", "Zelt groß & leicht"], data.Items.Select(item => item.Title));
        Assert.Equal(["Camping", "Zelte"], data.Items[1].Categories);
        Assert.Equal(("Nord", 199.9, "rot"), (data.Items[1].Brand, data.Items[1].Number("Preis"), data.Items[1].Text("Farbe")));
        Assert.Equal(1, data.SkippedHistoryItems);
    }

    [Fact]
    public async Task Load_LatinFileWithEncoding_IsReadAndWithoutSaysWhich()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "log.csv");
        await File.WriteAllBytesAsync(path, System.Text.Encoding.Latin1.GetBytes("user,item\nMüller,Zelt\n"));
        var source = Engine.Source(path);

        var e = await Assert.ThrowsAsync<InvalidDataException>(() => Engine.ShowAsync(source));
        source.Encoding = "latin-1";

        Assert.Contains("not UTF-8; set Encoding", e.Message);
        Assert.Equal(["Müller:Zelt"], await Engine.ShowAsync(source));
    }

    [Fact]
    public async Task Load_GzipOfSeveralMembers_IsReadWhole()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "log.csv.gz");
        using (var file = File.Create(path))
        {
            foreach (string text in new[] { "user,item\nann,a\n", "bob,b\n" })
            {
                using var packing = new GZipStream(file, CompressionMode.Compress, leaveOpen: true);
                packing.Write(System.Text.Encoding.UTF8.GetBytes(text));
            }
        }

        Assert.Equal(["ann:a", "bob:b"], await Engine.ShowAsync(Engine.Source(path)));
    }
}
