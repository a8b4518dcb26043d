namespace MiniOneRec.Modeling.Tests;

public sealed class SemanticIdTrieTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("minionerec-").FullName;

    public void Dispose() => Directory.Delete(_folder, recursive: true);

    [Fact]
    public void Build_RandomIndexes_HoldExactlyTheirPaths()
    {
        var random = new Random(3);
        for (int trial = 0; trial < 30; trial++)
        {
            int[] sizes = [.. Enumerable.Range(0, random.Next(1, 5)).Select(_ => random.Next(1, 9))];
            var index = BeamLawTests.RandomIndex(random, sizes, random.Next(1, 200));
            using var trie = new SemanticIdTrie(index);

            Assert.Equal(index.Count, trie.ItemCount);
            var prefixes = index.SemanticIds.SelectMany(id => Enumerable.Range(1, id.Depth).Select(d => new SemanticId(id.Codes[..d])))
                .Distinct().ToArray();
            Assert.Equal(prefixes.Length + 1, trie.NodeCount);
            foreach (var prefix in prefixes)
            {
                int node = trie.Find(prefix.Codes);
                Assert.Equal(prefix, trie.PathTo(node));
                Assert.Equal(prefix.Depth, trie.DepthOf(node));
                Assert.Equal(index.RowsOf(prefix), trie.ItemsAt(node).ToArray());
                if (prefix.Depth > 1)
                {
                    Assert.Equal(trie.Find(prefix.Codes[..^1]), trie.Parent(node));
                }
            }

            Assert.Equal(-1, trie.Find(sizes[0] + 1));
        }
    }

    [Fact]
    public void Build_PathsWiderThanAKey_AreSortedAlike()
    {
        var random = new Random(5);
        int[] sizes = [.. Enumerable.Repeat(60_000, 6)];
        var index = BeamLawTests.RandomIndex(random, sizes, 500);
        using var trie = new SemanticIdTrie(index);

        Assert.All(Enumerable.Range(0, index.Count),
            row => Assert.Contains(row, trie.ItemsAt(trie.Find(index.SemanticIds[row].Codes)).ToArray()));
    }

    [Fact]
    public async Task SaveAndMap_AreEqual()
    {
        var index = BeamLawTests.RandomIndex(new Random(9), [7, 5, 6], 150);
        using var trie = new SemanticIdTrie(index);
        string path = Path.Combine(_folder, "catalogue.trie");

        await trie.SaveAsync(path);
        using var mapped = SemanticIdTrie.Map(path);

        Assert.Equal((trie.NodeCount, trie.ItemCount, trie.Depth), (mapped.NodeCount, mapped.ItemCount, mapped.Depth));
        for (int node = 1; node < trie.NodeCount; node++)
        {
            Assert.Equal(trie.PathTo(node), mapped.PathTo(node));
            Assert.Equal(trie.ItemsAt(node).ToArray(), mapped.ItemsAt(node).ToArray());
        }
    }

    [Theory]
    [InlineData(0)]
    [InlineData(40)]
    [InlineData(-8)]
    public async Task Map_TruncatedFile_IsRefused(int length)
    {
        using var trie = new SemanticIdTrie(BeamLawTests.RandomIndex(new Random(9), [7, 5], 20));
        string path = Path.Combine(_folder, "cut.trie");
        await trie.SaveAsync(path);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        await File.WriteAllBytesAsync(path, bytes[..(length < 0 ? bytes.Length + length : length)]);

        var error = Assert.Throws<InvalidDataException>(() => SemanticIdTrie.Map(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Map_CodesThatDoNotAscend_IsRefused()
    {
        using var trie = SemanticIdTrie.FromCodes([4, 5, 6], 1);
        string path = Path.Combine(_folder, "order.trie");
        await trie.SaveAsync(path);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        Assert.Equal([0, 0, 4, 0, 5, 0, 6, 0], bytes[^8..]);
        (bytes[^4], bytes[^2]) = (bytes[^2], bytes[^4]);                // binary search would no longer find 5
        await File.WriteAllBytesAsync(path, bytes);

        var error = Assert.Throws<InvalidDataException>(() => SemanticIdTrie.Map(path));

        Assert.Contains(path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(0xFF)]
    [InlineData(0x01)]
    [InlineData(0x02)]
    public async Task Map_EveryByteFlipped_IsRefusedOrServes(int flip)
    {
        using var trie = new SemanticIdTrie(BeamLawTests.RandomIndex(new Random(9), [7, 5], 20));
        string path = Path.Combine(_folder, "flip.trie");
        await trie.SaveAsync(path);
        byte[] bytes = await File.ReadAllBytesAsync(path);
        int refused = 0;
        for (int at = 0; at < bytes.Length; at++)
        {
            byte[] damaged = [.. bytes];
            damaged[at] ^= (byte)flip;
            await File.WriteAllBytesAsync(path, damaged);
            try
            {
                using var mapped = SemanticIdTrie.Map(path);
                for (int node = 1; node < mapped.NodeCount; node++)
                {
                    Assert.InRange(mapped.Parent(node), 0, node - 1);
                    Assert.Equal(mapped.DepthOf(node), mapped.PathTo(node).Depth);
                }
            }
            catch (InvalidDataException)
            {
                refused++;
            }
        }

        Assert.True(refused > 0);
    }

    [Fact]
    public void FromCodes_BadMatrix_NamesItemAndLevel()
    {
        Assert.Contains("Item 1 has code 70000 at level 0",
            Assert.Throws<ArgumentException>(() => SemanticIdTrie.FromCodes([1, 2, 70000, 2], 2)).Message, StringComparison.Ordinal);
        Assert.Contains("Item 0 has a code at level 2 after its end",
            Assert.Throws<ArgumentException>(() => SemanticIdTrie.FromCodes([1, -1, 2], 3)).Message, StringComparison.Ordinal);
        Assert.Contains("Item 0 has no codes", Assert.Throws<ArgumentException>(() => SemanticIdTrie.FromCodes([-1, -1], 2)).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => SemanticIdTrie.FromCodes([], 2));
    }

    [SkippableTheory]
    [InlineData("Industrial_and_Scientific", 48, 2_295, 3_670)]
    [InlineData("Office_Products", 88, 2_488, 3_444)]
    public async Task Build_PublishedIndexes_HaveThePublishedNodes(string set, int first, int second, int third)
    {
        var index = await SemanticIdIndex.LoadAsync(TestData.Data($"Amazon/index/{set}.index.json"));
        using var trie = new SemanticIdTrie(index);

        int[] nodes = [.. Enumerable.Range(1, 3).Select(trie.NodesAt).Select(level => level.End - level.Start)];

        Assert.Equal([first, second, third], nodes);
    }
}
