namespace MiniOneRec.Modeling.Tests;

public sealed class PriorMassTests
{
    [Fact]
    public void OfNode_AnyDepths_IsTheSumOverTheItemsBelow()
    {
        var random = new Random(3);
        SemanticId[] ids = [.. Enumerable.Range(0, 200).Select(_ => new SemanticId(
            [.. Enumerable.Range(0, 1 + random.Next(4)).Select(_ => random.Next(3))]))];
        using var trie = SemanticIdTrie.FromStream(ids);
        float[] values = [.. ids.Select(_ => random.Next(4) == 0 ? 0 : random.NextSingle())];

        var mass = new PriorMass(trie, values, 0.4);

        double total = values.Sum(value => (double)value);
        for (int node = 1; node < trie.NodeCount; node++)
        {
            int[] path = [.. trie.PathTo(node).Codes];
            double expected = values.Where((_, row) => ids[row].Codes.StartsWith(path)).Sum(value => value / total);
            Assert.Equal(expected, mass.OfNode(node), 1e-7);
        }

        Assert.Equal(1, mass.OfNode(SemanticIdTrie.Root), 1e-6);
    }

    [Fact]
    public void OfNode_OneItem_IsTheItemsOwnToTheBit()
    {
        var random = new Random(4);
        using var trie = SemanticIdTrie.FromStream(Enumerable.Range(0, 64).Select(i => new SemanticId(i / 16, i / 4 % 4, i % 4)));

        var mass = new PriorMass(trie, [.. Enumerable.Range(0, 64).Select(_ => random.NextSingle())], 1);

        for (int row = 0; row < 64; row++)
        {
            Assert.Equal(mass.OfRow(row), mass.OfNode(trie.Find(row / 16, row / 4 % 4, row % 4)));
        }
    }
}
