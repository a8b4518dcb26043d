using Microsoft.Extensions.AI;

namespace MiniOneRec.Vectors.Tests;

public class VectorSourceTests
{
    [Fact]
    public void Constructor_NotANumber_NamesItemAndColumn()
    {
        var error = Assert.Throws<ArgumentException>(() => new VectorSource("text", ["a", "b"], 3, [0, 0, 0, 0, float.NaN, 0]));
        Assert.Contains("Source 'text', item 'b', column 1: NaN", error.Message, StringComparison.Ordinal);

        Assert.Throws<ArgumentException>(() => new VectorSource("text", ["a"], 2, [0, float.PositiveInfinity]));
    }

    [Fact]
    public void Constructor_NotANumberInAMissingRow_IsZero()
    {
        var source = new VectorSource("text", ["a", "b"], 2, [1, 2, float.NaN, 3], [true, false]);

        Assert.Equal([1, 2, 0, 0], source.Values.ToArray());
        Assert.False(source.Has(1));
        Assert.False(source.IsComplete);
        Assert.Equal(["b"], source.MissingItems());
    }

    [Fact]
    public void Constructor_BadInput_SaysWhatIsWrong()
    {
        void Says(string part, Func<VectorSource> make) =>
            Assert.Contains(part, Assert.ThrowsAny<ArgumentException>(make).Message, StringComparison.Ordinal);

        Says("Item 'a' has rows 0 and 2", () => new VectorSource("text", ["a", "b", "a"], 1, new float[3]));
        Says("Row 1 has no item id", () => new VectorSource("text", ["a", ""], 1, new float[2]));
        Says("2 items of width 3 have 6 numbers, not 5", () => new VectorSource("text", ["a", "b"], 3, new float[5]));
        Says("2 items and 1 marks", () => new VectorSource("text", ["a", "b"], 1, new float[2], [true]));
        Says("every row is missing", () => new VectorSource("text", ["a", "b"], 1, new float[2], [false, false]));
        Says("at least one item", () => new VectorSource("text", [], 1, []));
        Says("'../text' is no name of a source", () => new VectorSource("../text", ["a"], 1, [1]));
        Says("width", () => new VectorSource("text", ["a"], 0, []));
    }

    [Fact]
    public void RequireComplete_MissingRows_CountsAndNamesThem()
    {
        var error = Assert.Throws<InvalidOperationException>(() => Toy.Source("text", 9, 2, 1, 2, 5, 6, 8).RequireComplete());

        Assert.Contains("no vector for 4 of 9 items ('item-2', 'item-5', 'item-6', …)", error.Message, StringComparison.Ordinal);
        Assert.Equal(9, Toy.Source("text", 9, 2, 1).RequireComplete().PresentCount);
    }

    [Fact]
    public void AlignTo_OtherOrder_MovesRowsAndMarksUnknownItems()
    {
        var source = Toy.Source("text", 4, 3, 1, 2);

        var aligned = source.AlignTo(["item-3", "new", "item-2", "item-0"]);

        Assert.Equal(source[3].ToArray(), aligned[0].ToArray());
        Assert.Equal(source[0].ToArray(), aligned[3].ToArray());
        Assert.Equal([true, false, false, true], Enumerable.Range(0, 4).Select(aligned.Has));
        Assert.Equal(-1, aligned.RowOf("item-1"));
        Assert.Same(source, source.AlignTo(Toy.Ids(4)));
    }

    [Fact]
    public void AlignTo_OtherCatalogue_IsRefused()
    {
        var error = Assert.Throws<ArgumentException>(() => Toy.Source("text", 4, 3, 1).AlignTo(["x", "y"]));

        Assert.Contains("another catalogue", error.Message, StringComparison.Ordinal);
        Assert.Contains("'item-0'", error.Message, StringComparison.Ordinal);
        Assert.Contains("'x'", error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Fingerprint_ChangesWithNumbersIdsAndPresence_NotWithTheName()
    {
        float[] Values() => [1, 2, 3, 0];
        var source = new VectorSource("text", ["a", "b"], 2, Values());
        float[] other = Values();
        other[2] = BitConverter.Int32BitsToSingle(BitConverter.SingleToInt32Bits(other[2]) + 1);

        Assert.Equal(source.Fingerprint, source.Named("title").Fingerprint);
        Assert.NotEqual(source.Fingerprint, new VectorSource("text", ["a", "b"], 2, other).Fingerprint);
        Assert.NotEqual(source.Fingerprint, new VectorSource("text", ["a", "c"], 2, Values()).Fingerprint);
        Assert.NotEqual(new VectorSource("text", ["a", "b"], 1, [1, 0]).Fingerprint,
            new VectorSource("text", ["a", "b"], 1, [1, 0], [true, false]).Fingerprint);
    }

    [Fact]
    public void FillMissing_GivesTheMeanOfTheOthers()
    {
        var source = new VectorSource("text", ["a", "b", "c"], 2, [1, 2, 9, 9, 3, 6], [true, false, true]);

        Assert.Equal([1, 2, 2, 4, 3, 6], source.FillMissing().Values.ToArray());
        Assert.True(source.FillMissing().IsComplete);
    }

    [Fact]
    public async Task EncodeAsync_ItemsWithoutText_AreMissing()
    {
        Item[] items = [new() { Id = "a", Title = "red" }, new() { Id = "b" }, new() { Id = "c", Title = "blue" }];
        using var encoder = new Lengths();

        var source = await VectorSource.EncodeAsync(items, encoder, item => item.Title, batchSize: 1);

        Assert.Equal("text", source.Name);
        Assert.Equal([3, 1, 0, 0, 4, 1], source.Values.ToArray());
        Assert.Equal([true, false, true], Enumerable.Range(0, 3).Select(source.Has));
    }

    [Theory]
    [InlineData("a vector of another width", "item 'c' has width 3; those before it have 2")]
    [InlineData("not a number", "item 'c', column 0: NaN")]
    [InlineData("a vector too few", "returned 1 vectors for 2 texts")]
    public async Task EncodeAsync_EncoderThatMisbehaves_IsNamed(string fault, string part)
    {
        Item[] items = [new() { Id = "a", Title = "red" }, new() { Id = "c", Title = "blue" }];
        using var encoder = new Lengths { Fault = fault };

        var error = await Assert.ThrowsAsync<InvalidOperationException>(() => VectorSource.EncodeAsync(items, encoder, item => item.Title));

        Assert.Contains(part, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task EncodeAsync_NoTextOrCancelled_Throws()
    {
        using var encoder = new Lengths();
        await Assert.ThrowsAsync<ArgumentException>(() => VectorSource.EncodeAsync([new Item { Id = "a" }], encoder, item => item.Title));
        await Assert.ThrowsAsync<OperationCanceledException>(() => VectorSource.EncodeAsync(
            [new Item { Id = "a", Title = "red" }], encoder, item => item.Title, cancellationToken: new CancellationToken(canceled: true)));
    }

    [Fact]
    public async Task LoadAsync_FileWithIds_ChecksCountAndIds()
    {
        using var folder = new TemporaryFolder();
        await NpyFile.WriteAsync(folder.File("v.npy"), 2, 3, new float[] { 1, 2, 3, 4, 5, 6 }, overwrite: false, default);
        await File.WriteAllLinesAsync(folder.File("v.txt"), ["x", "y"]);

        var source = await VectorSource.LoadAsync(folder.File("v.npy"), folder.File("v.txt"));

        Assert.Equal([4, 5, 6], source[source.RowOf("y")].ToArray());
        var count = await Assert.ThrowsAsync<InvalidDataException>(() => VectorSource.LoadAsync(folder.File("v.npy"), ["x", "y", "z"]));
        Assert.Contains("has 2 rows; the catalogue has 3 items", count.Message, StringComparison.Ordinal);
        await File.WriteAllLinesAsync(folder.File("v.txt"), ["x", "x"]);
        var twice =
            await Assert.ThrowsAsync<InvalidDataException>(() => VectorSource.LoadAsync(folder.File("v.npy"), folder.File("v.txt")));
        Assert.Contains(folder.File("v.txt"), twice.Message, StringComparison.Ordinal);
        await Assert.ThrowsAsync<FileNotFoundException>(() => VectorSource.LoadAsync(folder.File("w.npy"), ["x"]));
    }

    [Fact]
    public async Task LoadAsync_NotANumber_NamesFileItemAndColumn()
    {
        using var folder = new TemporaryFolder();
        await NpyFile.WriteAsync(folder.File("v.npy"), 2, 2, new float[] { 1, 2, 3, float.NegativeInfinity }, overwrite: false, default);

        var error = await Assert.ThrowsAsync<InvalidDataException>(() => VectorSource.LoadAsync(folder.File("v.npy"), ["x", "y"]));

        Assert.Contains(folder.File("v.npy"), error.Message, StringComparison.Ordinal);
        Assert.Contains("item 'y', column 1", error.Message, StringComparison.Ordinal);
    }

    /// <summary>Encodes a text as its length and 1, or does something that an encoder must not do.</summary>
    private sealed class Lengths : IEmbeddingGenerator<string, Embedding<float>>
    {
        public string Fault { get; init; } = "";

        public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
            IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
        {
            float[][] vectors = [.. values.Select(text => new float[] { text.Length, 1 })];
            vectors[^1] = Fault switch
            {
                "a vector of another width" => [1, 2, 3],
                "not a number" => [float.NaN, 1],
                _ => vectors[^1],
            };
            return Task.FromResult(new GeneratedEmbeddings<Embedding<float>>(
                vectors.Skip(Fault == "a vector too few" ? 1 : 0).Select(vector => new Embedding<float>(vector))));
        }

        public object? GetService(Type serviceType, object? serviceKey = null) => null;

        public void Dispose()
        {
        }
    }
}
