using MiniOneRec.Measuring;

namespace MiniOneRec.Experiments.Tests;

public sealed class RunTableTests
{
    [Fact]
    public void Markdown_ShowsEachRunAndTheMedianOfItsKind()
    {
        var table = new RunTable("exact.w16", "prefill, ms");
        table.Add("float32", 2.07, 327);
        table.Add("bfloat16", 1.98, 201);
        table.Add("float32", 2.03, 317);
        table.Add("float32", 2.5, 400.4);

        Assert.Equal(
        [
            "|  | exact.w16 | prefill, ms |",
            "| --- | --- | --- |",
            "| float32, run 1 | 2.07 | 327 |",
            "| float32, run 2 | 2.03 | 317 |",
            "| float32, run 3 | 2.50 | 400 |",
            "| float32, median | **2.07** | **327** |",
            "| bfloat16, run 1 | 1.98 | 201 |",
        ], table.Markdown());
    }

    [Fact]
    public void Medians_OfAnEvenNumber_AreTheMiddle()
    {
        var table = new RunTable("x");
        table.Add("a", 4);
        table.Add("a", 1);

        var (kind, runs, values) = Assert.Single(table.Medians());
        Assert.Equal(("a", 2, 2.5), (kind, runs, Assert.Single(values)));
    }

    [Fact]
    public void Add_OtherNumberOfValues_IsRefused() => Assert.Equal(
        "The run has 1 values; the table has 2 columns. (Parameter 'values')",
        Assert.Throws<ArgumentException>(() => new RunTable("x", "y").Add("a", 1)).Message);
}
