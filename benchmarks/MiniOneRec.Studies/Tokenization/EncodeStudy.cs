using MiniOneRec.Encoders.Onnx;
using MiniOneRec.Samples;
using MiniOneRec.Tokenization;

namespace MiniOneRec.Studies;

/// <summary>How fast a sentence encoder works beside what the machine's matrix products would allow.</summary>
internal sealed class EncodeStudy : IStudy
{
    public string Name => "encode";

    public string Description =>
        "Tokens per second of the ONNX sentence encoder against the rate of matrix products. --model DIR (all-MiniLM-L6-v2 by default), "
        + "--dataset Industrial_and_Scientific, --items 512, --batch-size, --max-batch-tokens, --encoder-threads 0";

    public async Task RunAsync(StudyContext context)
    {
        string folder = context.Option("model", ""), name = context.Option("dataset", "Industrial_and_Scientific");
        int count = context.Option("items", 512);
        var options = new OnnxTextEncoderOptions();
        options.BatchSize = context.Option("batch-size", options.BatchSize);
        options.MaxBatchTokens = context.Option("max-batch-tokens", options.MaxBatchTokens);
        options.Threads = context.Option("encoder-threads", options.Threads);
        var items = (await StudyData.LoadAsync(context, name)).Items;
        string[] texts = [.. items.Take(count).Select(ItemText.Describe)];
        using var encoder = folder.Length > 0
            ? await OnnxTextEncoder.LoadAsync(folder, options, context.CancellationToken)
            : MiniLm.Create(options);

        long tokens = (await encoder.GenerateAsync(texts, cancellationToken: context.CancellationToken)).Usage!.InputTokenCount!.Value;
        var timing = Timing.Measure(() => encoder.GenerateAsync(texts).GetAwaiter().GetResult());
        double perSecond = tokens / timing.Median.TotalSeconds, gemm = MachineReference.GemmFlops(512, 384, 1536);
        context.Report("encode", timing);
        context.Report("tokens per second", perSecond, "1/s");
        context.Report("texts per second", texts.Length / timing.Median.TotalSeconds, "1/s");
        context.Report("tokens per text", tokens / (double)texts.Length, "");
        context.Report("gemm float32", gemm / 1e9, "GFLOP/s", new { shape = "512 x 384 x 1536" });
        if (folder.Length == 0)
        {
            // Six layers of 12·D² weights in matrix products, two operations each; attention itself (4·T·D a token and layer) adds a few
            // percent.
            const double Flops = 2.0 * 6 * 12 * 384 * 384;
            context.Report("share of the matrix-product rate", perSecond * Flops / gemm, "");
        }
    }
}
