using MiniOneRec.Modeling;

namespace MiniOneRec.Benchmarks;

/// <summary>Random catalogues of three levels with 256 codes each, always the same.</summary>
internal static class Catalogues
{
    public static int[] Codes(int items)
    {
        var random = new Random(42);
        return [.. Enumerable.Range(0, items * 3).Select(_ => random.Next(256))];
    }

    public static SemanticIdIndex Index(int items)
    {
        int[][] codes = [.. Codes(items).Chunk(3)];
        return new SemanticIdIndex(codes.Select((path, item) => KeyValuePair.Create("i" + item, new SemanticId(path))), [256, 256, 256]);
    }

    /// <summary>Histories as prompts of the compact template.</summary>
    public static int[][] Prompts(SemanticIdIndex index, IPromptTemplate template, int count, int length)
    {
        var random = new Random(7);
        return [.. Enumerable.Range(0, count).Select(_ => template.EncodePrompt(template.NextItem(
            [.. Enumerable.Range(0, length).Select(_ => index.SemanticIds[random.Next(index.Count)])])))];
    }
}
