using MiniOneRec.Modeling;
using TorchSharp;

namespace MiniOneRec.Studies;

/// <summary>Whether a recommender that serves for long stays as it was: memory, tensors, latency.</summary>
internal sealed class SoakStudy : IStudy
{
    public string Name => "soak";

    public string Description =>
        "Mixed requests in one process, and reloads of the model. --parts serve,reload --requests 200000 "
        + "--concurrency 32 --batch 32 --width 64 "
        + "--layers 2 --items 2000 --histories 1,2,5,10,20 --counts 5,10,20 --beams 10 --warm 0.1 --reloads 200 --reload-width 256 "
        + "--reload-layers 4 --trim true --pack true";

    public async Task RunAsync(StudyContext context)
    {
        string parts = context.Option("parts", "serve,reload");
        NativeHeap.TrimsAfterWork = context.Option("trim", true);
        var load = SoakLoad.Read(context);
        int width = context.Option("width", 64), layers = context.Option("layers", 2), items = context.Option("items", 2_000);
        int requests = context.Option("requests", 200_000), concurrency = context.Option("concurrency", 32);
        double warm = context.Option("warm", 0.1);
        int reloads = context.Option("reloads", 200), reloadWidth = context.Option("reload-width", 256),
            reloadLayers = context.Option("reload-layers", 4);
        ArgumentOutOfRangeException.ThrowIfLessThan(requests, 1_000, "--requests");
        ArgumentOutOfRangeException.ThrowIfLessThan(concurrency, 1, "--concurrency");
        if (parts.Contains("serve", StringComparison.Ordinal))
        {
            using var recommender = Make(width, layers, items, load);
            await ServeAsync(context, recommender, load, requests, concurrency, warm);
        }

        if (parts.Contains("reload", StringComparison.Ordinal))
        {
            await ReloadAsync(context, load, items, reloads, reloadWidth, reloadLayers);
        }
    }

    private static async Task ServeAsync(
        StudyContext context, GenerativeRecommender recommender, SoakLoad load, int requests, int concurrency, double warm)
    {
        await load.SweepAsync(recommender, concurrency, context.CancellationToken);
        await load.RunAsync(recommender, (int)(warm * requests), concurrency, seed: 1, context.CancellationToken);
        var parts = new List<SoakPart>();
        var processor = new List<double>();
        await SettleAsync();
        long tensors = torch.Tensor.TotalCount;
        double inUse = InUseMegabytes();
        for (int tenth = 0; tenth < 10; tenth++)
        {
            int count = requests * (tenth + 1) / 10 - requests * tenth / 10;
            var before = ProcessorTime.Now;
            var part = await load.RunAsync(recommender, count, concurrency, seed: 2 + tenth, context.CancellationToken);
            double work = (ProcessorTime.Now - before).TotalMilliseconds / count;
            parts.Add(part);
            processor.Add(work);
            var heap = NativeHeap.Read();
            context.Log(
                $"tenth {tenth + 1}: resident {part.ResidentMegabytes:f1} MB, heap in use {heap?.InUse / 1e6:f1} MB, "
                + $"free {heap?.Free / 1e6:f1} MB, managed {GC.GetTotalMemory(false) / 1e6:f1} MB, p99 {part.Percentile(0.99):f2} ms, "
                + $"{count / part.Seconds:f0} requests/s, {work:f3} ms of processor each");
        }

        await SettleAsync();
        var (first, last) = (parts[0], parts[^1]);
        double firstMb = first.ResidentMegabytes, lastMb = last.ResidentMegabytes, firstMs = first.Percentile(0.99),
            lastMs = last.Percentile(0.99);
        context.Report("rss_drift", lastMb / firstMb - 1, "x", new { first_mb = firstMb, last_mb = lastMb });
        context.Report("bytes_in_use_mb", InUseMegabytes() - inUse, "MB", new { warm_mb = inUse });
        context.Report("tensor_drift", torch.Tensor.TotalCount - tensors, "tensors");
        context.Report("p99_ratio", lastMs / firstMs, "x", new { first_ms = firstMs, last_ms = lastMs });
        context.Report("cpu_ms_per_request", processor.Average(), "ms", new { first = processor[0], last = processor[^1] });
        context.Report("requests_per_s", requests / parts.Sum(part => part.Seconds), "1/s");
    }

    // A new version of the model is loaded, warmed and served before the old one is disposed, as a hot swap does.
    private static async Task ReloadAsync(StudyContext context, SoakLoad load, int items, int reloads, int width, int layers)
    {
        string folder = Directory.CreateTempSubdirectory("minionerec-soak-").FullName;
        try
        {
            string path = Path.Combine(folder, "model");
            using (var made = Make(width, layers, items, load))
            {
                await made.SaveAsync(path, context.CancellationToken);
            }

            double weights = new DirectoryInfo(path).EnumerateFiles("*.safetensors").Sum(file => file.Length) / 1e6, first = 0, most = 0;
            var serving = await GenerativeRecommender.LoadAsync(path, cancellationToken: context.CancellationToken);
            await load.RunAsync(serving, 64, 32, seed: 0, context.CancellationToken);
            for (int reload = 1; reload <= reloads; reload++)
            {
                var next = await GenerativeRecommender.LoadAsync(path, cancellationToken: context.CancellationToken);
                await load.RunAsync(next, 64, 32, seed: reload, context.CancellationToken);
                serving.Dispose();
                serving = next;
                double resident = MachineReference.ResidentMegabytes();
                most = Math.Max(most, resident);
                if (reload == Math.Max(1, reloads / 10))
                {
                    first = most;
                }

                if (reload % Math.Max(1, reloads / 10) == 0)
                {
                    var heap = NativeHeap.Read();
                    context.Log(
                        $"reload {reload}: resident {resident:f1} MB, "
                        + $"heap in use {heap?.InUse / 1e6:f1} MB, free {heap?.Free / 1e6:f1} MB");
                }
            }

            serving.Dispose();
            await SettleAsync();
            context.Report("reload.rss_growth", most / first - 1, "x",
                new { reloads, weights_mb = weights, first_tenth_peak_mb = first, peak_mb = most });
            context.Report("reload.rss_end_mb", MachineReference.ResidentMegabytes(), "MB");
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    private static GenerativeRecommender Make(int width, int layers, int items, SoakLoad load)
    {
        torch.random.manual_seed(3);
        var random = new Random(4);
        var index = new SemanticIdIndex(
            Enumerable.Range(0, items)
            .Select(i => KeyValuePair.Create($"{i}", new SemanticId(random.Next(32), random.Next(32), random.Next(32)))), [32, 32, 32]);
        var template = new CompactTemplate([32, 32, 32]);
        var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize, width, layers, Math.Max(1, width / 32)));
        return new GenerativeRecommender(model, index, template, load.Options);
    }

    // Managed garbage and finalizers are not what is measured.
    private static async Task SettleAsync()
    {
        GC.Collect();
        GC.WaitForPendingFinalizers();
        await Task.Delay(100);
    }

    private static double InUseMegabytes() => NativeHeap.Read()?.InUse / 1e6 ?? double.NaN;
}
