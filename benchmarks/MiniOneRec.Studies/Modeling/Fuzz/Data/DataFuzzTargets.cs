using System.IO.Compression;
using System.Text;
using MiniOneRec.Datasets;

namespace MiniOneRec.Studies;

/// <summary>The files of data sets, each with its reader.</summary>
internal static class DataFuzzTargets
{
    private const string Interactions = "user_id:token\titem_id:token\trating:float\ttimestamp:float\tevent_type:token\n"
        + "1\t10\t5\t100\tbuy\n1\t11\t4\t50\tview\n2\t10\t1.5\t1e2\tview\n";

    /// <summary>Makes the targets.</summary>
    public static IReadOnlyList<FuzzTarget> Make() =>
    [
        Text("item.json", "x.item.json", FuzzStructure.Json, path => ItemJsonReader.ReadAsync(path), """
            {"0": {"title": "Tent \ud83d\ude00", "description": ["For two.", "Light."], "brand": "b", "categories": "['Camping', \"Two's\"]", "price": 9.5, "stock": 3, "sale": true},
             "1": {"title": "Mat", "description": null, "categories": [["a", "b"]], "tags": ["x"]}, "2": {}}
            """),
        Text("inter.json", "x.inter.json", FuzzStructure.Json, path => InterJsonReader.ReadAsync(path), """{"0": [0, 1, 2], "u1": ["a", "b", 5], "2": []}"""),
        Load("recbole inter", "x.inter", FuzzStructure.Tabs, Interactions),
        Load("recbole histories", "x.inter", FuzzStructure.Tabs,
        "user_id:token\titem_id_list:token_seq\titem_id:token\n0\t1\t2\n0\t1 2\t3\n1\t5\t6\n"),
        Text("recbole item", "x.item", FuzzStructure.Tabs, path => ItemFileReader.ReadAsync(path),
            "item_id:token\ttitle:token_seq\tprice:float\tcategories:token_seq\ttags:token\n1\tTent for two\t9.5\t['Camping', "
            + "'Two']\tx\n2\tMat\t\ta b\t\n"),
        Load("text lines", "x.txt", FuzzStructure.None, "u 1 2 3\nv 2\t3\nw 9\n"),
        Load("gzip", "x.inter.gz", FuzzStructure.None, Packed(Interactions), isText: false),
        Text("info", "x.txt", FuzzStructure.Tabs, path => InfoFileReader.ReadAsync(path), "<a_1><b_2>\tA\ttitle\t0\n<a_1><b_3>\tB\t1\n"),
        Text("reference csv", "x.csv", FuzzStructure.Commas, path => ReferenceCsvReader.ReadAsync(path), """"
            user_id,history_item_title,item_title,history_item_id,item_id,history_item_sid,item_sid
            u,"['a', ""it's""]","T, ""x""","[0, 1]",2,"['<a_1><b_2>', '<a_1><b_3>']",<a_1><b_4>
            v,"['\u00e9\x41\U0001F600']",T,['9'],2,['<a_1><b_2>'],<a_1><b_4>
            """"),
        Text("amazon reviews", "reviews.json", FuzzStructure.JsonLines,
            path => AmazonReviewsReader.ReadReviewsAsync(path, AmazonReviewsFormat.V2018),
            "{\"overall\": 5.0, \"reviewerID\": \"u\", \"asin\": \"A\", \"style\": {\"Size\": \"x\"}, \"unixReviewTime\": "
            + "5}\n{\"reviewerID\": \"v\", \"asin\": \"B\", \"unixReviewTime\": 6}\n"),
        Text("amazon metadata", "meta.json", FuzzStructure.JsonLines,
            path => AmazonReviewsReader.ReadItemsAsync(path, AmazonReviewsFormat.V2023),
            "{\"parent_asin\": \"A\", \"title\": \"t\", \"store\": \"s\", \"price\": \"$9.99\", \"categories\": [\"a\", \"b\"], "
            + "\"description\": [\"d\"], \"average_rating\": 4.5}\n{\"parent_asin\": \"B\", \"title\": \"t\"}\n"),
        new("items and index", "x.item.json", Encoding.UTF8.GetBytes("""{"0": {"title": "a"}, "1": {"title": "b"}}"""), folder => InteractionDataset.LoadAsync(
            Path.Combine(folder, "x.inter.json"), Path.Combine(folder, "x.index.json"), Path.Combine(folder, "x.item.json")).GetAwaiter()
            .GetResult())
        {
            Structure = FuzzStructure.Json,
            Beside = folder =>
            {
                File.WriteAllText(Path.Combine(folder, "x.inter.json"), """{"u": [0, 1, 0]}""");
                File.WriteAllText(Path.Combine(folder, "x.index.json"), """{"0": ["<a_1>", "<b_0>"], "1": ["<a_0>", "<b_1>"]}""");
            },
        },
    ];

    private static FuzzTarget Text<T>(string name, string file, FuzzStructure structure, Func<string, IAsyncEnumerable<T>> read,
        string good) =>
        new(name, file, Encoding.UTF8.GetBytes(good),
            folder => read(Path.Combine(folder, file)).ToListAsync().AsTask().GetAwaiter().GetResult())
        {
            Structure = structure,
        };

    private static FuzzTarget Load(string name, string file, FuzzStructure structure, string good) =>
        Load(name, file, structure, Encoding.UTF8.GetBytes(good), isText: true);

    private static FuzzTarget Load(string name, string file, FuzzStructure structure, byte[] good, bool isText) =>
        new(name, file, good, folder => InteractionDataset.LoadAsync(Path.Combine(folder, file)).GetAwaiter().GetResult())
        {
            Structure = structure,
            IsText = isText,
        };

    private static byte[] Packed(string text)
    {
        using var packed = new MemoryStream();
        using (var packing = new GZipStream(packed, CompressionMode.Compress, leaveOpen: true))
        {
            packing.Write(Encoding.UTF8.GetBytes(text));
        }

        return packed.ToArray();
    }
}
