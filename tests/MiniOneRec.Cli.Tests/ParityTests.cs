using System.Text.Json.Nodes;

namespace MiniOneRec.Cli.Tests;

/// <summary>The command <c>parity</c> on a tiny checkpoint: the recorded Qwen2 with a tokenizer of bytes and codes.</summary>
public sealed class ParityTests : IDisposable
{
    private const int Items = 30, Codes = 64, FirstCode = 300, End = 511;

    // The places of the eight targets and the best semantic IDs, by a forward pass in float64 that shares no code with this library:
    // all 29 semantic IDs scored by their three codes, the newline and the end over the whole vocabulary.
    private static readonly int[] Ranks = [2, 22, 13, 26, 10, 15, 4, 8];
    private static readonly string[] Best =
    [
        "266 391 311", "266 395 391", "266 395 311", "266 395 193", "266 391 311", "266 391 395", "266 395 311", "266 395 311",
    ];

    private readonly Shop _shop = new();

    public void Dispose() => _shop.Dispose();

    [Fact]
    [Trait("Category", "Parity")]
    public async Task A_checkpoint_gives_the_recorded_ranks_and_figures()
    {
        string checkpoint = Checkpoint(), predictions = _shop.In("predictions.json");
        Data("Toys");
        Data("Others", shift: 1);

        var (code, output, error) = await Shop.RunAsync(
            "parity", "--checkpoint", checkpoint, "--data", _shop.In("data"), "--dataset", "Toys", "--predictions", predictions, "--json");

        Assert.True(code == 0, error);
        JsonNode[] lines = [.. output.Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonNode.Parse(line)!)];
        foreach (int cutoff in (int[])[1, 3, 5, 10, 20, 50])
        {
            Assert.Equal(Ranks.Count(rank => rank < cutoff) / 8.0, Figure(lines, $"HR@{cutoff}"), 1e-9);
            Assert.Equal(
                Ranks.Where(rank => rank < cutoff).Sum(rank => 1 / Math.Log2(rank + 2)) / 8, Figure(lines, $"NDCG@{cutoff}"), 1e-9);
        }

        Assert.Equal(8, Count(lines, "test rows"));
        Assert.Equal(0, Count(lines, "invalid predictions"));
        Assert.Equal(0, Count(lines, "predictions missing"));
        Assert.Equal(1, Count(lines, "targets that share their semantic ID"));
        Assert.True(Count(lines, "users per second") > 0);
        Assert.Equal("The paper has no figures of this data set.", (string?)lines[^1]["value"]);

        var entries = JsonNode.Parse(await File.ReadAllTextAsync(predictions))!.AsArray();
        Assert.Equal(Best.Select(row => string.Join(' ', row.Split(' ').Select(id => $"<a_{id[0]}><b_{id[1]}><c_{id[2]}>"))),
            entries.Select(entry => string.Join(' ', entry!["predict"]!.AsArray().Take(3).Select(text => (string?)text))));
        Assert.Equal(Ranks, entries.Select(entry =>
            entry!["predict"]!.AsArray().Select(text => $"{text}\n").ToList().IndexOf($"{entry["output"]}")));
    }

    [Fact]
    public async Task What_does_not_fit_says_why_before_any_work()
    {
        string checkpoint = Checkpoint(), data = _shop.In("data");
        Data("Toys");
        async Task<(int, string)> RefusalAsync(params string[] line)
        {
            var (code, _, error) = await Shop.RunAsync(["parity", .. line]);
            return (code, error);
        }

        var (code, error) = await RefusalAsync("--checkpoint", _shop.In("nowhere"), "--data", data);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("nowhere", error, StringComparison.Ordinal);

        (code, error) = await RefusalAsync("--checkpoint", checkpoint, "--data", _shop.In("elsewhere"));
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("no file of semantic IDs", error, StringComparison.Ordinal);

        (code, error) = await RefusalAsync("--checkpoint", checkpoint, "--data", data, "--dataset", "Games");
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("'Toys'", error, StringComparison.Ordinal);

        (code, error) = await RefusalAsync("--checkpoint", checkpoint, "--data", data, "--beams", "0");
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("--beams is 0", error, StringComparison.Ordinal);

        (code, error) = await RefusalAsync("--checkpoint", Checkpoint(codes: 0), "--data", data);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("no token for a code", error, StringComparison.Ordinal);

        (code, error) = await RefusalAsync("--checkpoint", Checkpoint(codes: 2), "--data", data, "--dataset", "Toys");
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("for example <a_2>", error, StringComparison.Ordinal);

        File.Delete(Path.Combine(checkpoint, "tokenizer.json"));
        (code, error) = await RefusalAsync("--checkpoint", checkpoint, "--data", data);
        Assert.Equal(ExitCodes.BadData, code);
        Assert.Contains("has no tokenizer.json", error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Without_a_name_the_data_set_is_the_one_whose_codes_the_checkpoint_knows()
    {
        string checkpoint = Checkpoint(codes: 11);
        Data("Toys");
        Data("Others", shift: 50);

        var (code, output, error) = await Shop.RunAsync(
            "parity", "--checkpoint", checkpoint, "--data", _shop.In("data"), "--rows", "2", "--beams", "4", "--prompt", "training");

        Assert.True(code == 0, error);
        Assert.Contains("Toys: 2 test rows", error, StringComparison.Ordinal);
        Assert.Contains("HR@3", output, StringComparison.Ordinal);
        Assert.DoesNotContain("HR@5", output, StringComparison.Ordinal);

        Data("Others");
        (code, _, error) = await Shop.RunAsync("parity", "--checkpoint", checkpoint, "--data", _shop.In("data"));
        Assert.Equal(ExitCodes.Usage, code);
        Assert.Contains("--dataset", error, StringComparison.Ordinal);
    }

    private static double Figure(JsonNode[] lines, string name) =>
        (double)lines.Single(line => (string?)line["event"] == "parity" && (string?)line["figure"] == name)["measured"]!;

    private static double Count(JsonNode[] lines, string what) =>
        (double)lines.Single(line => (string?)line["event"] == "count" && (string?)line["what"] == what)["value"]!;

    // Item 29 has the semantic ID of item 3.
    private static string[] CodesOf(int item, int shift)
    {
        int i = item == Items - 1 ? 3 : item;
        return [$"<a_{i % 4}>", $"<b_{i * 7 % 10 + shift}>", $"<c_{i * 3 % 8}>"];
    }

    /// <summary>Writes a data set of 30 items and eight test rows in the reference layout.</summary>
    private void Data(string name, int shift = 0)
    {
        JsonObject index = [], items = [];
        for (int item = 0; item < Items; item++)
        {
            index[$"{item}"] = new JsonArray([.. CodesOf(item, shift).Select(code => (JsonNode)code)]);
            items[$"{item}"] = new JsonObject { ["title"] = $"toy {item}" };
        }

        var rows = Enumerable.Range(0, 8).Select(user =>
            $"u{user},\"[{string.Join(", ", Enumerable.Range(0, 1 + user % 4).Select(k => (user * 5 + k * (user + 1)) % Items))}]\","
            + $"{(user * 11 + 3) % Items}");
        string table = "user_id,history_item_id,item_id\n" + string.Join('\n', rows) + "\n";
        foreach (var (folder, file, text) in ((string, string, string)[])
            [("index", ".index.json", index.ToJsonString()), ("index", ".item.json", items.ToJsonString()), ("train", ".csv", table),
            ("valid", ".csv", table), ("test", ".csv", table)])
        {
            Directory.CreateDirectory(_shop.In($"data/{folder}"));
            _shop.Write($"data/{folder}/{name}{file}", text);
        }
    }

    /// <summary>Writes the recorded Qwen2 with the 256 bytes, codes of three levels from token 300 on, and the end.</summary>
    private string Checkpoint(int codes = Codes)
    {
        string source = TestData.Fixture("qwen2-tied"), folder = _shop.In($"checkpoint-{codes}");
        Directory.CreateDirectory(folder);
        foreach (string file in (string[])["config.json", "model.safetensors"])
        {
            File.Copy(Path.Combine(source, file), Path.Combine(folder, file), overwrite: true);
        }

        var vocabulary = new JsonObject();
        int[] plain = [.. Enumerable.Range(33, 94), .. Enumerable.Range(161, 12), .. Enumerable.Range(174, 82)];
        foreach (int value in (int[])[.. plain, .. Enumerable.Range(0, 256).Except(plain)])
        {
            vocabulary[((char)(plain.Contains(value) ? value : 256 + vocabulary.Count - plain.Length)).ToString()] = vocabulary.Count;
        }

        var added = Enumerable.Range(256, End - 256).Select(id => (Id: id, Text: Text(id, codes))).Append((Id: End, Text: "<|endoftext|>"));
        var tokenizer = new JsonObject
        {
            ["version"] = "1.0",
            ["added_tokens"] = new JsonArray([.. added.Select(token => (JsonNode)new JsonObject
            {
                ["id"] = token.Id, ["content"] = token.Text, ["single_word"] = false, ["lstrip"] = false, ["rstrip"] = false,
                ["normalized"] = false, ["special"] = token.Id == End,
            })]),
            ["pre_tokenizer"] = new JsonObject { ["type"] = "ByteLevel", ["add_prefix_space"] = false, ["use_regex"] = true },
            ["decoder"] = new JsonObject { ["type"] = "ByteLevel" },
            ["model"] = new JsonObject { ["type"] = "BPE", ["vocab"] = vocabulary, ["merges"] = new JsonArray() },
        };
        File.WriteAllText(Path.Combine(folder, "tokenizer.json"), tokenizer.ToJsonString());
        File.WriteAllText(Path.Combine(folder, "tokenizer_config.json"), """{ "eos_token": "<|endoftext|>" }""");
        return folder;
    }

    private static string Text(int id, int codes)
    {
        var (level, code) = Math.DivRem(id - FirstCode, Codes);
        return id >= FirstCode && level < 3 && code < codes ? $"<{(char)('a' + level)}_{code}>" : $"<unused {id}>";
    }
}
