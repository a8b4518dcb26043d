using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Reinforcement;
using MiniOneRec.Tensors;
using MiniOneRec.Tokenization;
using MiniOneRec.Training;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Studies;

/// <summary>What the stages save and read again: embeddings, quantizers, catalogues, adapters, checkpoints.</summary>
internal static class StageFuzzTargets
{
    private const string ManifestFile = "manifest.json", QuantizerFile = "quantizer.safetensors";

    /// <summary>Makes the targets, which have to be fitted first.</summary>
    public static IReadOnlyList<FuzzTarget> Make()
    {
        var table = new EmbeddingTable(12, 4, [.. Enumerable.Range(0, 48).Select(i => MathF.Sin(i * 1.7f))]);
        return
        [
            Npy(table),
            CacheKeys(table),
            .. Quantizer(table, new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [3, 3], Restarts = 1 }), "k-means"),
            .. Quantizer(table,
            new RqVaeQuantizer(
            new RqVaeOptions { CodebookSizes = [3, 3], LatentWidth = 2, HiddenWidths = [4], Training = new() { Epochs = 1 } }), "rq-vae"),
            Catalogue(table),
            .. Adapter(),
            SftState(),
            GrpoState(),
            RqVaeState(table),
        ];
    }

    private static FuzzTarget Npy(EmbeddingTable table)
    {
        byte[] good = Written(path => table.SaveAsync(path).GetAwaiter().GetResult(), "x.npy");
        return new("npy", "x.npy", good,
            folder => EmbeddingTable.LoadAsync(Path.Combine(folder, "x.npy")).GetAwaiter().GetResult()) { IsText = false };
    }

    // A damaged pair is left out and encoded again, so that reading never fails.
    private static FuzzTarget CacheKeys(EmbeddingTable table) => new(
        "embedding cache", "x.keys",
        Encoding.ASCII.GetBytes(string.Join('\n', Enumerable.Range(0, table.Count).Select(row => $"{row:x64}"))), folder =>
        {
            var cache = new EmbeddingCacheFolder(folder, NullLogger.Instance);
            cache.ReadAsync([.. Enumerable.Range(0, table.Count).Select(row => $"{row:x64}")], CancellationToken.None).GetAwaiter()
                .GetResult();
        })
    {
        Beside = folder => table.SaveAsync(Path.Combine(folder, "x.npy")).GetAwaiter().GetResult(),
    };

    private static IEnumerable<FuzzTarget> Quantizer(EmbeddingTable table, IQuantizer quantizer, string name)
    {
        string saved = Directory.CreateTempSubdirectory("minionerec-fuzz-").FullName + "/saved";
        using (quantizer)
        {
            quantizer.FitAsync(table).GetAwaiter().GetResult();
            quantizer.SaveAsync(saved).GetAwaiter().GetResult();
        }

        byte[] manifest = Plain(Path.Combine(saved, ManifestFile)), weights = File.ReadAllBytes(Path.Combine(saved, QuantizerFile));
        void Load(string folder) => QuantizerFolder.LoadAsync(folder).GetAwaiter().GetResult().Dispose();
        yield return new($"{name} manifest", ManifestFile, manifest, Load)
        {
            Structure = FuzzStructure.Json,
            Beside = folder => File.WriteAllBytes(Path.Combine(folder, QuantizerFile), weights),
        };

        // The manifest is written for the damaged file, so that its hash is not what refuses it.
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(weights);
        yield return new($"{name} weights", QuantizerFile, weights[8..(8 + length)], folder =>
        {
            var rewritten = JsonNode.Parse(manifest)!.AsObject();
            rewritten["madeFrom"]!["weights"] = ArtifactManifest.HashFileAsync(Path.Combine(folder, QuantizerFile)).GetAwaiter()
                .GetResult();
            File.WriteAllText(Path.Combine(folder, ManifestFile), rewritten.ToJsonString());
            Load(folder);
        })
        {
            Structure = FuzzStructure.Json,
            IsSafetensors = true,
            Tail = weights.Length - 8 - length,
        };
    }

    private static FuzzTarget Catalogue(EmbeddingTable table)
    {
        string saved = Directory.CreateTempSubdirectory("minionerec-fuzz-").FullName + "/saved";
        var quantizer = new RqKMeansQuantizer(new RqKMeansOptions { CodebookSizes = [3, 12], Restarts = 1 });
        var catalogue = new SemanticIdTokenizer(
            new PrecomputedEncoder([.. Enumerable.Range(0, table.Count).Select(row => $"i{row}")], table), quantizer)
            .BuildAsync([.. Enumerable.Range(0, table.Count).Select(row => $"i{row}")], table).GetAwaiter().GetResult();
        catalogue.SaveAsync(saved).GetAwaiter().GetResult();
        return new("catalogue manifest", ManifestFile, Plain(Path.Combine(saved, ManifestFile)), folder =>
            SemanticIdCatalogue.LoadAsync(folder).GetAwaiter().GetResult().Quantizer.Dispose())
        {
            Structure = FuzzStructure.Json,
            Beside = folder => CopyAll(saved, folder),
        };
    }

    private static IEnumerable<FuzzTarget> Adapter()
    {
        const string ConfigFile = "adapter_config.json", WeightsFile = "adapter_model.safetensors";
        string saved = Directory.CreateTempSubdirectory("minionerec-fuzz-").FullName + "/saved";
        DecoderModel Model() => new(DecoderConfig.Small(32, 8, 1, 2));
        using (var model = Model())
        using (var adapters =
            LoraAdapters.Attach(model, new LoraOptions { Rank = 2, TrainNewRows = false, Targets = ["q_proj", "down_proj"] }))
        {
            adapters.SaveAsync(saved, "base").GetAwaiter().GetResult();
        }

        byte[] config = File.ReadAllBytes(Path.Combine(saved, ConfigFile)), weights = File.ReadAllBytes(Path.Combine(saved, WeightsFile));
        void Load(string folder)
        {
            using var model = Model();
            using var adapters = LoraAdapters.LoadAsync(folder, model).GetAwaiter().GetResult();
        }

        yield return new("adapter_config.json", ConfigFile, config, Load)
        {
            Structure = FuzzStructure.Json,
            Beside = folder => File.WriteAllBytes(Path.Combine(folder, WeightsFile), weights),
        };
        int length = (int)BinaryPrimitives.ReadInt64LittleEndian(weights);
        yield return new("adapter weights", WeightsFile, weights[8..(8 + length)], Load)
        {
            Structure = FuzzStructure.Json,
            IsSafetensors = true,
            Tail = weights.Length - 8 - length,
            Beside = folder => File.WriteAllBytes(Path.Combine(folder, ConfigFile), config),
        };
    }

    private static FuzzTarget SftState()
    {
        const string State = "step-000000003/state.json";
        string saved = Directory.CreateTempSubdirectory("minionerec-fuzz-").FullName;
        var identity = SftIdentity.Of(new SftOptions(), new Dictionary<string, string> { ["data"] = "ab" });
        RunCheckpoint<SftState> Folder(string folder) => new(folder, identity);
        using (var weight = ones(2, 2))
        {
            Folder(saved).Save(new SftState { Step = 3, Epoch = 1 }, [("weight.a", weight)]);
        }

        return new("sft state", State, Plain(Path.Combine(saved, State)), folder =>
        {
            using var weight = zeros(2, 2);
            Folder(folder).Load([("weight.a", weight)]);
        })
        {
            Structure = FuzzStructure.Json,
            Beside = folder => CopyAll(saved, folder),
        };
    }

    private static FuzzTarget GrpoState()
    {
        const string State = "step-000000003/state.json";
        string saved = Directory.CreateTempSubdirectory("minionerec-fuzz-").FullName;
        var identity = PolicyIdentity.Of("grpo", new GrpoOptions(), new Dictionary<string, string> { ["data"] = "ab" });
        RunCheckpoint<PolicyState> Checkpoint(string folder) => new(folder, identity);
        using (var weight = ones(2, 2))
        {
            Checkpoint(saved).Save(new PolicyState { Step = 3 }, [("policy.a", weight)]);
        }

        return new("grpo state", State, Plain(Path.Combine(saved, State)), folder =>
        {
            using var weight = zeros(2, 2);
            Checkpoint(folder).Load([("policy.a", weight)]);
        })
        {
            Structure = FuzzStructure.Json,
            Beside = folder => CopyAll(saved, folder),
        };
    }

    private static FuzzTarget RqVaeState(EmbeddingTable table)
    {
        const string State = "step-000000002/state.json";
        string saved = Directory.CreateTempSubdirectory("minionerec-fuzz-").FullName;
        var options = new RqVaeOptions { CodebookSizes = [3, 3], LatentWidth = 2, HiddenWidths = [4] };
        var identity = new RqVaeFit("rq-vae", options, 1, NullLogger.Instance).Checkpoints.Identity(table);
        RunCheckpoint<FitState> Checkpoint(string folder) => new(folder, identity);
        using (var model = new RqVae(options, table.Width))
        using (var trainer = new RqVaeTrainer(model, options.Training))
        {
            Checkpoint(saved).Save(new FitState { Step = 2, Generator = TorchSeed.Capture(), Sums = [1, 2] }, trainer.State());
        }

        return new("rq-vae state", State, Plain(Path.Combine(saved, State)), folder =>
        {
            using var model = new RqVae(options, table.Width);
            using var trainer = new RqVaeTrainer(model, options.Training);
            Checkpoint(folder).Load(trainer.State());
        })
        {
            Structure = FuzzStructure.Json,
            Beside = folder => CopyAll(saved, folder),
        };
    }

    // Manifests without hashes, as version 0.1 wrote them, so that it is not the hash that refuses every damage.
    private static byte[] Plain(string path)
    {
        var manifest = JsonNode.Parse(File.ReadAllBytes(path))!.AsObject();
        manifest.Remove("files");
        manifest.Remove("checksum");
        return Encoding.UTF8.GetBytes(manifest.ToJsonString());
    }

    private static byte[] Written(Action<string> write, string name)
    {
        string folder = Directory.CreateTempSubdirectory("minionerec-fuzz-").FullName, path = Path.Combine(folder, name);
        write(path);
        byte[] bytes = File.ReadAllBytes(path);
        Directory.Delete(folder, recursive: true);
        return bytes;
    }

    private static void CopyAll(string from, string to)
    {
        foreach (string path in Directory.GetFiles(from, "*", SearchOption.AllDirectories))
        {
            string target = Path.Combine(to, Path.GetRelativePath(from, path));
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.Copy(path, target, overwrite: true);
        }
    }
}
