namespace MiniOneRec.Datasets.DuckDb.Tests;

/// <summary>Small files in the layouts of public data sets, written from their published lists of fields; results computed by
/// hand.</summary>
public sealed class LayoutTests
{
    [Fact]
    public async Task Load_Amazon2023_ReadsMillisecondsParentsAndStars()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("All_Beauty.jsonl",
            """
            {"rating": 5.0, "title": "T", "text": "x", "images": [], "asin": "B1", "parent_asin": "P1", "user_id": "U", "timestamp": 1588687728923, "helpful_vote": 0, "verified_purchase": true}
            {"rating": 2.0, "title": "T", "text": "x", "images": [], "asin": "B2", "parent_asin": "P2", "user_id": "U", "timestamp": 1588615855070, "helpful_vote": 0, "verified_purchase": true}
            {"rating": 2.0, "title": "T", "text": "x", "images": [], "asin": "B3", "parent_asin": "P3", "user_id": "U", "timestamp": 1588615855071, "helpful_vote": 0, "verified_purchase": true}
            """));
        source.Items = [folder.File("meta_All_Beauty.jsonl",
            """
            {"main_category": "All Beauty", "title": "Cream", "average_rating": 4.8, "rating_number": 10, "features": [], "description": ["Soft."], "price": "12.50", "images": [], "videos": [], "store": "Acme", "categories": ["Skin", "Face"], "details": {"Brand": "A"}, "parent_asin": "P1", "bought_together": null}
            {"main_category": "All Beauty", "title": "Brush", "average_rating": 4.0, "rating_number": 1, "features": [], "description": [], "price": null, "images": [], "videos": [], "store": null, "categories": [], "details": {}, "parent_asin": "P2", "bought_together": null}
            """)];

        var data = await new DuckDbInteractionSource(source).LoadAsync(Engine.All);

        Assert.Equal(["U:P2@1588615855*2 P1@1588687728*5"], data.TrainSequences.Select(Engine.Show));
        Assert.Equal(("Cream", "Acme", "Soft.", 12.5),
            (data.Items[1].Title, data.Items[1].Brand, data.Items[1].Description, data.Items[1].Number("price")));
        Assert.Equal(1, data.SkippedHistoryItems);
    }

    [Fact]
    public async Task Load_Amazon2018Ratings_ReadsCsvWithoutHeader()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("Toys.csv", "B1,U1,5.0,1500000000\nB2,U1,3.0,1400000000\n"));
        source.Format = InteractionFormat.Amazon2018Ratings;

        Assert.Equal(["U1:B2@1400000000*3 B1@1500000000*5"], await Engine.ShowAsync(source));
    }

    [Fact]
    public async Task Load_MovieLensDat_ReadsDoubleColonsAndLatinTitles()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("ratings.dat", "1::1193::5::978300760\n1::661::3::978302109\n2::1193::4::978298413\n"));
        string movies = Path.Combine(folder.Path, "movies.dat");
        await File.WriteAllBytesAsync(movies,
            System.Text.Encoding.Latin1.GetBytes("661::Café (1996)::Animation|Children's\n1193::Cuckoo (1975)::Drama\n"));
        source.Items = [movies];

        var data = await new DuckDbInteractionSource(source).LoadAsync(Engine.All);

        Assert.Equal(["1:1193@978300760*5 661@978302109*3", "2:1193@978298413*4"], data.TrainSequences.Select(Engine.Show));
        Assert.Equal(["Cuckoo (1975)", "Café (1996)"], data.Items.Select(item => item.Title));
        Assert.Equal(["Animation", "Children's"], data.Items[1].Categories);
    }

    [Fact]
    public async Task Load_MovieLensCsv_IsATable()
    {
        using var folder = new TempFolder();
        var source =
            Engine.Source(folder.File("ratings.csv", "userId,movieId,rating,timestamp\n1,296,5.0,1147880044\n1,306,3.5,1147868817\n"));
        source.Items =
            [folder.File("movies.csv", "movieId,title,genres\n296,\"Pulp Fiction (1994)\",Comedy|Crime\n306,Red (1994),Drama\n")];

        var data = await new DuckDbInteractionSource(source).LoadAsync(Engine.All);

        Assert.Equal(["1:306@1147868817*3.5 296@1147880044*5"], data.TrainSequences.Select(Engine.Show));
        Assert.Equal(["Comedy", "Crime"], data.Items[1].Categories);
    }

    [Fact]
    public async Task Load_RecBoleInteractions_ReadsTypedHeaderAndItems()
    {
        using var folder = new TempFolder();
        folder.File("ml/ml.user", "user_id:token\tage:token\n1\t30\n");
        folder.File("ml/ml.inter", "user_id:token\titem_id:token\trating:float\ttimestamp:float\n1\ta\t5\t20.5\n1\tb\t3\t20.25\n");
        var source = Engine.Source(Path.Combine(folder.Path, "ml"));
        source.Items = [folder.File("ml/ml.item", "item_id:token\ttitle:token_seq\tyear:float\na\tAlpha One\t1999\nb\tBeta\t2000\n")];

        var data = await new DuckDbInteractionSource(source).LoadAsync(Engine.All);

        Assert.Equal(["1:b@20*3 a@20*5"], data.TrainSequences.Select(Engine.Show));
        Assert.Equal(["Beta", "Alpha One"], data.Items.Select(item => item.Title));
        Assert.Equal(1999, data.Items[1].Number("year"));
    }

    [Fact]
    public async Task Load_RecBoleHistoriesInParts_AreTakenAsGivenOrPutTogether()
    {
        using var folder = new TempFolder();
        const string Header = "user_id:token\titem_id_list:token_seq\titem_id:token\n";
        var source = Engine.Source(folder.File("t.train.inter", Header + "u\ta\tb\nu\ta b\tc\nv\tx\ty\n"));
        folder.File("t.valid.inter", Header + "u\ta b c\td\n");
        folder.File("t.test.inter", Header + "u\ta b c d\te\nv\tx y\tz\n");

        var given = await new DuckDbInteractionSource(source).LoadAsync(new() { Split = PreparationSplit.Given });
        var whole = await Engine.ShowAsync(source);

        Assert.Equal("given", given.Split);
        Assert.Equal(["u:a>b", "u:a b>c", "v:x>y"], given.Train.Select(Engine.Show));
        Assert.Equal(["u:a b c>d"], given.Validation.Select(Engine.Show));
        Assert.Equal(["u:a b c d>e", "v:x y>z"], given.Test.Select(Engine.Show));
        Assert.Equal(["u:a b c", "v:x y"], given.TrainSequences.Select(Engine.Show));
        Assert.Equal(["a", "b", "c", "x", "y", "d", "e", "z"], given.ItemIds);
        Assert.Equal(["u:a b c d e", "v:x y z"], whole);
    }

    [Fact]
    public async Task Load_Steam_ReadsPrintedDictionaries()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("steam_reviews.json",
            "{u'username': u'Ann', u'hours': 3.5, u'product_id': u'7', u'date': u'2017-12-17', u'text': "
            + "u\"it's\", u'early_access': False}\n"
            + "{u'username': u'Ann', u'hours': 1.0, u'product_id': u'8', u'date': u'2017-12-16', u'early_access': True}\n"));
        source.Items = [folder.File("steam_games.json",
            "{u'id': u'7', u'title': u'Lost', u'genres': [u'Indie']}\n{u'id': u'8', u'app_name': u'Found'}\n")];

        var data = await new DuckDbInteractionSource(source).LoadAsync(Engine.All);

        Assert.Equal(["Ann:8@1513382400*1 7@1513468800*3.5"], data.TrainSequences.Select(Engine.Show));
        Assert.Equal(["Found", "Lost"], data.Items.Select(item => item.Title));
    }

    [Fact]
    public async Task Load_Yelp_ReadsReviewsAndBusinesses()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(folder.File("yelp_academic_dataset_review.json",
            """
            {"review_id": "r1", "user_id": "u", "business_id": "b1", "stars": 4.0, "useful": 0, "funny": 0, "cool": 0, "text": "Good.", "date": "2018-07-07 22:09:11"}
            {"review_id": "r2", "user_id": "u", "business_id": "b2", "stars": 1.0, "useful": 0, "funny": 0, "cool": 0, "text": "Bad.", "date": "2017-01-01 00:00:00"}
            """));
        source.Items = [folder.File("yelp_academic_dataset_business.json",
            """
            {"business_id": "b1", "name": "Cafe", "city": "Tampa", "stars": 4.5, "categories": "Coffee, Food"}
            {"business_id": "b2", "name": "Bar", "city": "Tampa", "stars": 2.0, "categories": null}
            """)];

        var data = await new DuckDbInteractionSource(source).LoadAsync(Engine.All);

        Assert.Equal(["u:b2@1483228800*1 b1@1531001351*4"], data.TrainSequences.Select(Engine.Show));
        Assert.Equal(["Coffee", "Food"], data.Items[1].Categories);
        Assert.Equal(("Cafe", 4.5, "Tampa"), (data.Items[1].Title, data.Items[1].Number("stars"), data.Items[1].Text("city")));
    }

    [Fact]
    public async Task Load_AmazonM2_MakesAUserOfEachSession()
    {
        using var folder = new TempFolder();
        var source = Engine.Source(
            folder.File("sessions_train.csv", "prev_items,next_item,locale\n\"['B1' 'B2'\n 'B1']\",B3,DE\n\"['B9']\",B1,UK\n"));

        Assert.Equal(["DE-1:B1 B2 B1 B3", "UK-2:B9 B1"], await Engine.ShowAsync(source));
    }

    [Fact]
    public async Task Load_RecIf_JoinsHistoryAndTargetWithTheStrongestSignal()
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "onerec_bench_release.parquet");
        Engine.Sql(
            "COPY (SELECT 5::BIGINT AS uid, 1 AS split, [10, 11, 12]::BIGINT[] AS hist_video_pid, [1, 0, 1] AS hist_video_longview, [0, "
            + $"0, 1] AS hist_video_like, [13]::BIGINT[] AS target_video_pid, [1] AS target_video_longview) TO '{path}'");
        var source = Engine.Source(path);

        var given = await new DuckDbInteractionSource(source)
            .LoadAsync(new() { MinPerUser = 1, MinPerItem = 1, Split = PreparationSplit.Given });

        Assert.Equal(["5:10/longview 11/view 12/like 13/longview"], await Engine.ShowAsync(source));
        Assert.Equal(["5:10/longview 11/view 12/like"], given.TrainSequences.Select(Engine.Show));
        Assert.Equal(["5:10 11 12>13"], given.Test.Select(Engine.Show));
    }

    [Theory]
    [InlineData("SELECT * FROM (VALUES (1, 15, 7, 1, 80), (1, 10, 8, 0, 30)) AS t(uid, timestamp, item_id, is_organic, played_ratio_pct)")]
    [InlineData("SELECT 1 AS uid, [15, 10] AS timestamp, [7, 8] AS item_id, [1, 0] AS is_organic, [80, 30] AS played_ratio_pct")]
    public async Task Load_YambdaFlatAndSequential_ReadsRelativeTimes(string rows)
    {
        using var folder = new TempFolder();
        string path = Path.Combine(folder.Path, "listens.parquet");
        Engine.Sql($"COPY ({rows}) TO '{path}'");

        Assert.Equal(["1:8@10*30 7@15*80"], await Engine.ShowAsync(Engine.Source(path)));
    }
}
