using System.Buffers.Binary;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using MiniOneRec.Modeling;

namespace MiniOneRec.Studies;

/// <summary>The files of models and catalogues, each with its reader.</summary>
internal static class FuzzTargets
{
    /// <summary>Makes the targets.</summary>
    /// <param name="fixtures">The folder with <c>llama</c> and <c>qwen2-untied-bf16-sharded</c>.</param>
    /// <param name="index">An <c>.index.json</c>, of which the first items are kept, or <see langword="null"/>.</param>
    public static IReadOnlyList<FuzzTarget> Make(string fixtures, string? index) =>
        [.. MakePlain(fixtures, index).Select(Structured)];

    /// <summary>Gives a text without another structure that of JSON.</summary>
    internal static FuzzTarget Structured(FuzzTarget target) =>
        target.IsText && target.Structure == FuzzStructure.None ? target with { Structure = FuzzStructure.Json } : target;

    private static IReadOnlyList<FuzzTarget> MakePlain(string fixtures, string? index)
    {
        string llama = Path.Combine(fixtures, "llama"), sharded = Path.Combine(fixtures, "qwen2-untied-bf16-sharded");
        byte[] Text(string folder, string file) => File.ReadAllBytes(Path.Combine(folder, file));
        return
        [
            Safetensors(Path.Combine(llama, "model.safetensors")),
            new("shard map", ShardIndex.FileName, Text(sharded, ShardIndex.FileName), folder =>
            {
                using var opened = HuggingFaceFolder.Open(folder);
                if (opened.ShardMap.Values.Any(file => file != Path.GetFileName(file)))
                {
                    throw new NotSupportedException("A shard map led out of its folder.");
                }
            }),
            new("config.json", "config.json", Text(llama, "config.json"), folder =>
            {
                using var opened = HuggingFaceFolder.Open(folder);
                opened.ReadGenerationConfig();
                using var model = opened.LoadDecoder();
            }),
            new("generation_config.json", "generation_config.json", Text(llama, "generation_config.json"), folder =>
            {
                using var opened = HuggingFaceFolder.Open(folder);
                opened.ReadGenerationConfig().ToJson();
            }),
            new("index.json", "catalogue.index.json", index is null ? Bytes(SmallIndex()) : FirstItems(File.ReadAllBytes(index)),
            folder => SemanticIdIndex.LoadAsync(Path.Combine(folder, "catalogue.index.json")).GetAwaiter().GetResult()),
            new("manifest", ModelFolder.ManifestFile, Bytes(new JsonObject
            {
                ["format"] = 1, ["kind"] = "model", ["library"] = "0.1.0", ["madeFrom"] = new JsonObject { ["index"] = "ab" },
                    ["options"] = new JsonObject { ["levelSizes"] = new JsonArray(4, 4) },
            }), folder => ArtifactManifest.LoadAsync(Path.Combine(folder, ModelFolder.ManifestFile), "model").GetAwaiter().GetResult()),
            new("trie", "catalogue.trie", Trie(), folder =>
            {
                using var trie = SemanticIdTrie.Map(Path.Combine(folder, "catalogue.trie"));
                for (int node = 1; node < trie.NodeCount; node++)
                {
                    trie.PathTo(node);
                    trie.ItemsAt(node);
                }
            })
            {
                IsText = false,
            },
        ];
    }

    /// <summary>Puts the files beside the damaged one that its reader needs.</summary>
    public static void Prepare(FuzzTarget target, string fixtures, string folder)
    {
        target.Beside?.Invoke(folder);
        string source = target.Name == "shard map" ? "qwen2-untied-bf16-sharded" : "llama";
        foreach (string file in Directory.GetFiles(Path.Combine(fixtures, source), "*"))
        {
            string name = Path.GetFileName(file);
            bool wanted = target.Name switch
            {
                "shard map" => name.EndsWith(".safetensors", StringComparison.Ordinal)
                    && name.StartsWith("model-", StringComparison.Ordinal),
                "config.json" or "generation_config.json" => name is "model.safetensors" or "config.json",
                "safetensors" => name == "config.json",
                _ => false,
            };
            if (wanted && name != target.File)
            {
                File.Copy(file, Path.Combine(folder, name));
            }
        }
    }

    private static FuzzTarget Safetensors(string path)
    {
        byte[] bytes = File.ReadAllBytes(path);
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(bytes);
        return new FuzzTarget("safetensors", "model.safetensors", bytes[8..(8 + length)], folder =>
        {
            using var opened = HuggingFaceFolder.Open(folder);
            foreach (string key in opened.Keys)
            {
                opened.Read(key).Dispose();
            }

            using var model = opened.LoadDecoder();
        })
        {
            IsSafetensors = true,
            Tail = bytes.Length - 8 - length,
        };
    }

    private static JsonObject SmallIndex() => new([.. Enumerable.Range(0, 40).Select(i =>
        KeyValuePair.Create($"item{i}", (JsonNode?)new JsonArray($"<a_{i % 4}>", $"<b_{i % 7}>", $"<c_{i}>")))]);

    private static byte[] FirstItems(byte[] json) =>
        Bytes(new JsonObject(
            [.. JsonNode.Parse(json)!.AsObject().Take(200).Select(pair => KeyValuePair.Create(pair.Key, pair.Value?.DeepClone()))]));

    private static byte[] Trie()
    {
        string path = Path.Combine(Path.GetTempPath(), $"minionerec-{Guid.NewGuid():n}.trie");
        int[] codes = [.. Enumerable.Range(0, 120).Select(i => i * 7 % (i % 3 == 0 ? 5 : 9))];
        using var trie = SemanticIdTrie.FromCodes(codes, 3);
        trie.SaveAsync(path).GetAwaiter().GetResult();
        byte[] bytes = File.ReadAllBytes(path);
        File.Delete(path);
        return bytes;
    }

    internal static byte[] Bytes(JsonObject json) =>
        Encoding.UTF8.GetBytes(json.ToJsonString(new JsonSerializerOptions { WriteIndented = true }));
}
