namespace MiniOneRec.Cli.Parity;

/// <summary>What was published on one data set: the paper's table, and what others measured with the released weights.</summary>
/// <param name="Paper">The paper's figures by name, for example <c>HR@10</c>.</param>
/// <param name="Released">Figures of the released weights, one run by a third party.</param>
internal sealed record PublishedFigures(IReadOnlyDictionary<string, double> Paper, IReadOnlyDictionary<string, double> Released)
{
    private static readonly PublishedFigures None = new(new Dictionary<string, double>(), new Dictionary<string, double>());

    // arXiv:2510.24431, table 1; semantic-ID level, 4,533 and 4,866 rows.
    private static readonly Dictionary<string, PublishedFigures> Known = new(StringComparer.Ordinal)
    {
        ["Industrial_and_Scientific"] = new(
            new Dictionary<string, double>
            {
                ["HR@3"] = .1143, ["NDCG@3"] = .1011, ["HR@5"] = .1321, ["NDCG@5"] = .1084, ["HR@10"] = .1586, ["NDCG@10"] = .1167,
            },
            new Dictionary<string, double>
            {
                ["HR@1"] = .0852, ["HR@3"] = .1129, ["HR@5"] = .1324, ["HR@10"] = .1573, ["NDCG@10"] = .1170, ["HR@20"] = .1926,
                ["HR@50"] = .2444,
            }),
        ["Office_Products"] = new(
            new Dictionary<string, double>
            {
                ["HR@3"] = .1217, ["NDCG@3"] = .1088, ["HR@5"] = .1420, ["NDCG@5"] = .1172, ["HR@10"] = .1634, ["NDCG@10"] = .1242,
            },
            new Dictionary<string, double>
            {
                ["HR@1"] = .0945, ["HR@3"] = .1260, ["HR@5"] = .1389, ["HR@10"] = .1589, ["NDCG@10"] = .1247, ["HR@20"] = .1839,
                ["HR@50"] = .2372,
            }),
    };

    /// <summary>Gets the figures of a data set; of others than the paper's there are none.</summary>
    /// <param name="dataset">The name, for example <c>Office_Products</c>.</param>
    public static PublishedFigures Of(string dataset) => Known.GetValueOrDefault(dataset, None);
}
