using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace MiniOneRec.Modeling.Tests;

/// <summary>Which token may follow which, as the reference's evaluation builds it.</summary>
[Trait("Category", "Parity")]
public sealed class TrieParityTests
{
    public static TheoryData<string> Sets => ["Industrial_and_Scientific", "Office_Products"];

    [SkippableTheory]
    [MemberData(nameof(Sets))]
    public async Task Children_WithTheForcedTokens_AreTheReferencesTable(string set)
    {
        string folder = TestData.ForeignFixture("prompts");
        using var table = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "trie.json")));
        using var vocabulary = JsonDocument.Parse(await File.ReadAllBytesAsync(Path.Combine(folder, "vocab.json")));
        var expected = table.RootElement.GetProperty(set);
        var added = vocabulary.RootElement.GetProperty("datasets").GetProperty(set);
        var tokens = added.GetProperty("tokens").EnumerateArray()
            .Select((token, i) => (Text: token.GetString()!, Id: added.GetProperty("first_id").GetInt32() + i))
            .ToDictionary(pair => pair.Text, pair => pair.Id);
        int newline = expected.GetProperty("newline_id").GetInt32(), end = expected.GetProperty("eos_id").GetInt32();
        using var trie = new SemanticIdTrie(await SemanticIdIndex.LoadAsync(TestData.Data($"Amazon/index/{set}.index.json")));

        // Every prefix with what may follow: codes, then the two forced tokens.
        var allowed = new Dictionary<string, int[]>();
        var counts = new int[trie.Depth + 2];
        void Add(int[] prefix, int[] next)
        {
            string key = prefix.Length == 0 ? string.Join('-',
                expected.GetProperty("marker_ids").EnumerateArray().Select(id => id.GetInt32())) : string.Join('-', prefix);
            allowed.Add(key, [.. next.Order()]);
            counts[prefix.Length]++;
        }

        for (int node = 0; node < trie.NodeCount; node++)
        {
            var path = node == SemanticIdTrie.Root ? null : trie.PathTo(node);
            int[] prefix = path is null ? []
                : [.. Enumerable.Range(0, path.Depth).Select(level => tokens[SemanticId.TokenText(level, path[level])])];
            var (start, stop) = trie.Children(node);
            if (start < stop)
            {
                Add(prefix, [.. Enumerable.Range(start, stop - start)
                    .Select(child => tokens[SemanticId.TokenText(prefix.Length, trie.Code(child))])]);
            }

            if (trie.IsTerminal(node))
            {
                Add(prefix, [newline]);
                Add([.. prefix, newline], [end]);
            }
        }

        Assert.Equal(expected.GetProperty("prefixes_total").GetInt32(), allowed.Count);
        Assert.Equal(expected.GetProperty("prefixes_by_generated_length").EnumerateArray().Select(count => count.GetInt32()), counts);
        Assert.Equal(expected.GetProperty("allowed_total").GetInt32(), allowed.Values.Sum(next => next.Length));
        foreach (var prefix in expected.GetProperty("prefixes").EnumerateArray())
        {
            Assert.Equal(prefix.GetProperty("allowed").EnumerateArray().Select(id => id.GetInt32()),
                allowed[prefix.GetProperty("key").GetString()!]);
        }

        foreach (var absent in expected.GetProperty("not_in_table").EnumerateArray())
        {
            Assert.DoesNotContain(string.Join('-', absent.GetProperty("generated").EnumerateArray().Select(id => id.GetInt32())),
                allowed.Keys);
        }

        var lines = allowed.OrderBy(pair => pair.Key, StringComparer.Ordinal)
            .Select(pair => $"{pair.Key}:{string.Join(',', pair.Value)}\n");
        Assert.Equal(expected.GetProperty("sha256").GetString(),
            Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(lines)))));
    }
}
