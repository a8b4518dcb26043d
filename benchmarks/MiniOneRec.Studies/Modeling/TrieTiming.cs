using System.Diagnostics;
using MiniOneRec.Modeling;

namespace MiniOneRec.Studies;

/// <summary>What the trie costs: its part of a search, and building and walking a large one.</summary>
internal static class TrieTiming
{
    /// <summary>Measures the trie's part of a search, in seconds: walking to every child of every beam and keeping the best, at all
    /// levels.</summary>
    public static double SearchSeconds(SemanticIdTrie trie, int width)
    {
        var random = new Random(3);
        var values = new float[256];
        var timing = Timing.Measure(() =>
        {
            List<int> nodes = [SemanticIdTrie.Root];
            for (int level = 0; level < trie.Depth; level++)
            {
                var best = new TopCandidates<int>(width);
                foreach (int node in nodes)
                {
                    var (start, end) = trie.Children(node);
                    var codes = trie.Codes;
                    for (int child = start; child < end; child++)
                    {
                        best.Offer(values[codes[child]] + child % 97, child);
                    }
                }

                nodes = [.. best.Drain().Select(entry => entry.Value)];
            }
        });
        return timing.Median.TotalSeconds;
    }

    /// <summary>Reports the time to build a trie, its bytes per item, and the time of a step of 256 beams.</summary>
    public static void Report(StudyContext context, int items)
    {
        var random = new Random(5);
        var codes = new int[items * 3];
        for (int i = 0; i < codes.Length; i++)
        {
            codes[i] = random.Next(256);
        }

        var clock = Stopwatch.StartNew();
        using var trie = SemanticIdTrie.FromCodes(codes, 3);
        context.Report("trie10m.build_s", clock.Elapsed.TotalSeconds, "s", new { items });
        context.Report("trie10m.bytes_per_item", (double)trie.SizeInBytes / items, "B", new { items });

        int[] beams = [.. Enumerable.Range(0, 256).Select(_ => random.Next(trie.NodesAt(1).Start, trie.NodesAt(1).End))];
        int[] next = [.. beams.Select(node => trie.Code(random.Next(trie.Children(node).Start, trie.Children(node).End)))];
        var mask = new bool[256 * 256];
        var timing = Timing.Measure(
            () =>
            {
                for (int repeat = 0; repeat < 100; repeat++)
                {
                    Array.Clear(mask);
                    var all = trie.Codes;
                    for (int beam = 0; beam < beams.Length; beam++)
                    {
                        int node = trie.Child(beams[beam], next[beam]);
                        var (start, end) = trie.Children(node);
                        for (int child = start; child < end; child++)
                        {
                            mask[beam * 256 + all[child]] = true;
                        }
                    }
                }
            });
        context.Report("trie10m.step_us", timing.Median.TotalMicroseconds / 100, "us", new { beams = 256 });
    }
}
