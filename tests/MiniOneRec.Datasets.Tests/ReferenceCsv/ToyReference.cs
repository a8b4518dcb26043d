namespace MiniOneRec.Datasets.Tests;

/// <summary>A tiny data set in the reference layout.</summary>
internal sealed class ToyReference : IDisposable
{
    public const string Name = "Toys_and_Games";

    private readonly TempFolder _folder = new();

    public ToyReference()
    {
        Write("index/Toys_and_Games.item.json", """
            {"0": {"title": "Ball", "description": "['Round.', 'Red.']", "brand": "B", "categories": ""},
             "1": {"title": "Bat", "description": ""}, "2": {"title": "Net"}, "3": {"title": "Kite"}}
            """);
        Write("index/Toys_and_Games.index.json", """
            {"0": ["<a_0>", "<b_0>"], "1": ["<a_0>", "<b_1>"], "2": ["<a_1>", "<b_0>"], "3": ["<a_0>", "<b_1>"]}
            """);
        Write("info/Toys_and_Games_5_2016-10-2018-11.txt",
            "<a_0><b_0>\tBall\t0\n<a_0><b_1>\tBat\t1\n<a_1><b_0>\tNet\t2\n<a_0><b_1>\tKite\t3\n");
        Csv("train", "A1,[0],1\nA1,\"[0, 1]\",2\nA2,[3],3");
        Csv("valid", "A1,\"[0, 1, 2]\",3");
        Csv("test", "A1,\"[0, 1, 2, 3]\",0");
    }

    public string Path => _folder.Path;

    public string Write(string name, string content) => _folder.File(name, content);

    public string Csv(string part, string rows) =>
        Write($"{part}/Toys_and_Games_5_2016-10-2018-11.csv", $"user_id,history_item_id,item_id\n{rows}\n");

    public void Dispose() => _folder.Dispose();
}
