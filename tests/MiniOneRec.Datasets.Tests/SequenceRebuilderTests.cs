using FsCheck.Xunit;

namespace MiniOneRec.Datasets.Tests;

public sealed class SequenceRebuilderTests
{
    [Fact]
    public void Rebuild_MixedUsers_KeepsTheirOrder()
    {
        NextItemExample[] rows = [new("b", ["1"], "2"), new("a", ["7"], "8"), new("b", ["1", "2"], "3")];

        Assert.Equal(["b:123", "a:78"], Show(SequenceRebuilder.Rebuild(rows)));
    }

    [Theory]
    [InlineData("1>2 12>3 23>4", 2, "1234")]                // windows that move on
    [InlineData("1>1 11>1 11>1 11>2", 2, "11112")]          // repeats fill the window
    [InlineData("1>2 1>2 12>3 1>2", 10, "123")]             // rows that say nothing new
    [InlineData("1>2 123>4", 10, "1234")]                   // a row is missing between
    [InlineData("12>3 67>8", 2, "123678")]                  // so many are missing that nothing overlaps
    [InlineData(">1 1>2", 10, "12")]                        // an empty history
    public void Rebuild_Rows_AreMerged(string rows, int window, string expected)
    {
        var examples = rows.Split(' ').Select(row => row.Split('>'))
            .Select(parts => new NextItemExample("u", [.. parts[0].Select(c => $"{c}")], parts[1]));

        Assert.Equal([$"u:{expected}"], Show(SequenceRebuilder.Rebuild(examples, window)));
    }

    [Property]
    public bool Rebuild_SlidingWindows_IsTheInverse(byte[] items, byte window)
    {
        // Few different items, so that windows overlap in misleading ways.
        var sequence = new UserSequence("u", [.. items.Prepend((byte)0).Append((byte)1).Select(item => $"{item % 3}")]);
        int length = 1 + (window % 5);

        var rebuilt = SequenceRebuilder.Rebuild(SlidingWindow.Expand([sequence], length), length).Single();

        return rebuilt.ItemIds.SequenceEqual(sequence.ItemIds);
    }

    private static IEnumerable<string> Show(IEnumerable<UserSequence> sequences) =>
        sequences.Select(s => $"{s.UserId}:{string.Concat(s.ItemIds)}");
}
