namespace MiniOneRec.Modeling.Tests;

public sealed class HistoryRowsTests
{
    private static readonly CompactTemplate Template = CompactTemplate.For(ContentToy.Index);
    private static readonly SemanticIdTrie Trie = new(ContentToy.Index);

    [Fact]
    public void Of_Chain_ItemsEndAtTheirLastCode()
    {
        int[] prompt = Prompt("a", "f", "b");

        var rows = HistoryRows.Of([TokenTree.Chain(prompt), TokenTree.Chain(Prompt("e"))], Template.Vocabulary, Trie);

        Assert.Equal([2, 4, 6, 9], rows.Ends);
        Assert.Equal([], Before(rows, 1));                      // one code of "a" alone says nothing yet
        Assert.Equal(["a"], Before(rows, 2));
        Assert.Equal(["a"], Before(rows, 3));
        Assert.Equal(["b", "f", "a"], Before(rows, 6));
        Assert.Equal(["b", "f"], Before(rows, 6, 2));
        Assert.Equal([], Before(rows, 7));                      // another tree
        Assert.Equal(["e"], Before(rows, 9));
    }

    [Fact]
    public void Of_Tree_TokensSeeTheirAncestorsAlone()
    {
        var tree = TokenTree.Branches(Prompt("a"), [Codes("b"), Codes("e")], out int[][] nodes);

        var rows = HistoryRows.Of([tree], Template.Vocabulary, Trie);

        Assert.Equal(["b", "a"], Before(rows, nodes[0][1]));
        Assert.Equal(["e", "a"], Before(rows, nodes[1][1]));
    }

    [Fact]
    public void Of_PathOutsideTheCatalogue_IsNoItem()
    {
        var rows =
            HistoryRows.Of([TokenTree.Chain([1, .. Template.Vocabulary.Encode(new(0, 3)), .. Codes("c")])], Template.Vocabulary, Trie);

        Assert.Equal([4], rows.Ends);
    }

    [Fact]
    public void Of_SemanticIdThatAnotherContinues_EndsNowhere()
    {
        var index = new SemanticIdIndex([new("short", new(0)), new("long", new(0, 1)), new("other", new(1))], [2, 2]);
        var template = CompactTemplate.For(index);
        using var trie = new SemanticIdTrie(index);

        var rows = HistoryRows.Of([TokenTree.Chain(template.EncodePrompt(template.NextItem([new(0), new(0, 1), new(1)])))],
            template.Vocabulary, trie);

        Assert.Equal([3, 4], rows.Ends);
    }

    private static int[] Prompt(params string[] items) =>
        Template.EncodePrompt(Template.NextItem([.. items.Select(item => ContentToy.Index[item])]));

    private static int[] Codes(string item) => Template.Vocabulary.Encode(ContentToy.Index[item]);

    private static string[] Before(HistoryRows rows, int token, int most = 10)
    {
        var nodes = new List<int>();
        rows.Before(token, most, nodes);
        return [.. nodes.Select(node => ContentToy.Index.Items[Trie.ItemsAt(node)[0]])];
    }
}
