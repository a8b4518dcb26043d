namespace MiniOneRec.Abstractions.Tests;

public sealed class SemanticIdIndexChangeTests
{
    [Theory]
    [InlineData(1, 40, 3_000)]
    [InlineData(2, 600, 3_000)]                             // beyond the changes after which the tables are made anew
    public void InsertAndRemove_RandomSequence_EqualTheIndexOfAllEntries(int seed, int items, int steps)
    {
        var random = new Random(seed);
        var entries = Enumerable.Range(0, items).Select(i => KeyValuePair.Create($"first-{i}", Random())).ToList();
        var index = new SemanticIdIndex(entries, [5, 6, 7]);
        for (int step = 0; step < steps; step++)
        {
            if (entries.Count == 1 || random.Next(2 * items) > entries.Count)
            {
                int row = random.Next(entries.Count + 1);
                entries.Insert(row, new($"item-{step}", Random()));
                index = index.Insert(row, entries[row].Key, entries[row].Value);
            }
            else
            {
                int row = random.Next(entries.Count);
                index = index.Remove(entries[row].Key);
                entries.RemoveAt(row);
            }

            if (step % 37 == 0 || step > steps - 20)
            {
                AreEqual(new SemanticIdIndex(entries, [5, 6, 7]), index);
            }
        }

        SemanticId Random() => random.Next(3) == 0 ? new SemanticId(random.Next(5), random.Next(6))
            : new SemanticId(random.Next(5), random.Next(6), random.Next(7));
    }

    [Fact]
    public void InsertAndRemove_LeaveTheIndexAsItWas()
    {
        var index = new SemanticIdIndex([new("a", new SemanticId(0)), new("b", new SemanticId(1))], [3]);
        string before = index.Fingerprint;

        index.Insert(1, "c", new SemanticId(1)).Remove("a");

        Assert.Equal((before, 2, false), (index.Fingerprint, index.Count, index.TryGetRow("c", out _)));
        Assert.Equal([1], index.RowsOf(new SemanticId(1)));
    }

    [Fact]
    public void InsertAndRemove_WhatCannotBe_IsRefused()
    {
        var index = new SemanticIdIndex([new("a", new SemanticId(0, 1))], [2, 2]);

        Assert.Contains("already", Assert.Throws<ArgumentException>(() => index.Insert(0, "a", new SemanticId(0, 0))).Message,
            StringComparison.Ordinal);
        Assert.Contains("level 1", Assert.Throws<ArgumentException>(() => index.Insert(0, "b", new SemanticId(0, 2))).Message,
            StringComparison.Ordinal);
        Assert.Throws<ArgumentException>(() => index.Insert(0, "b", new SemanticId(0, 0, 0)));
        Assert.Throws<ArgumentOutOfRangeException>(() => index.Insert(2, "b", new SemanticId(0, 0)));
        Assert.Throws<KeyNotFoundException>(() => index.Remove("b"));
        Assert.Throws<InvalidOperationException>(() => index.Remove("a"));
    }

    private static void AreEqual(SemanticIdIndex expected, SemanticIdIndex actual)
    {
        Assert.Equal(expected.Items, actual.Items);
        Assert.Equal(expected.SemanticIds, actual.SemanticIds);
        Assert.Equal(expected.LevelSizes, actual.LevelSizes);
        Assert.Equal((expected.Fingerprint, expected.DistinctCount), (actual.Fingerprint, actual.DistinctCount));
        for (int row = 0; row < expected.Count; row++)
        {
            Assert.True(actual.TryGetRow(expected.Items[row], out int found));
            Assert.Equal(row, found);
        }

        Assert.All(expected.SemanticIds.Distinct(), id => Assert.Equal(expected.RowsOf(id), actual.RowsOf(id)));
    }
}
