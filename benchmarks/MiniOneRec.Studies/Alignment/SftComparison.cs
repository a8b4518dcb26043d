using MiniOneRec.Alignment;
using MiniOneRec.Modeling;
using MiniOneRec.Pretrained;
using MiniOneRec.Tensors;
using TorchSharp;
using TorchSharp.Modules;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Studies;

/// <summary>What packing, sharing, the fused optimizer and the short head are worth, against the same written plainly.</summary>
internal static class SftComparison
{
    /// <summary>Samples per second of the reference's prompts: packed and shared, over padded batches of 16 rows in random order.</summary>
    public static async Task PackingAsync(StudyContext context, int layers, int users)
    {
        var data = await StudyData.LoadAsync(context, "Industrial_and_Scientific");
        var tokenizer = (await TextTokenizer.LoadAsync(context.FixturePath("tokenizer/tokenizer.json"), context.CancellationToken))
            .WithSemanticIds([256, 256, 256], out _).WithEndToken("<|im_end|>");
        var template = new AlpacaTemplate(tokenizer, [256, 256, 256]);
        var random = new Random(1);
        var sequences = data.TrainSequences.Where(sequence => sequence.ItemIds.Count > 1).ToArray();
        random.Shuffle(sequences);
        var alignment = new AlignmentData(data.Index!, sequences[..users]);
        TokenSample[] Make(NextItemMode mode) =>
            [.. new NextItemTask { Mode = mode, MaxHistory = 50 }.CreateSamples(new TaskContext(alignment, template, random))];
        var shared = SampleTree.Group(Make(NextItemMode.Sequence));
        var rows = Make(NextItemMode.Row);
        random.Shuffle(rows);
        var padded = rows.Chunk(16).Select(batch => Pad(batch)).ToArray();
        if (shared.Sum(tree => tree.Targets.Length) != rows.Sum(row => row.LabelCount))
        {
            throw new InvalidDataException("Both ways must learn the same labels.");
        }

        using var rig = new SftThroughput.Rig(SftThroughput.Shape(layers), new SftOptions { MicroBatchTokens = 2_048, AverageDecay = 0 });
        var (_, _, gain) = Timing.Ratio(
            () =>
            {
                foreach (var batch in padded)
                {
                    rig.Accumulate(batch);
                }
            },
            () => rig.Accumulate(shared),
            repeats: 3,
            warmUp: 1);
        context.Log(
            $"{rows.Length} rows: {padded.Sum(batch => batch.Sum(tree => tree.TokenCount))} padded tokens, "
            + $"{shared.Sum(tree => tree.TokenCount)} packed and shared");
        context.Report("packing_gain", gain, "x");
    }

    /// <summary>One optimizer step on 100 million parameters.</summary>
    public static void Optimizer(StudyContext context)
    {
        using var scope = NewDisposeScope();
        Parameter[] parameters = [.. Enumerable.Range(0, 50).Select(_ => new Parameter(randn(2_000, 1_000), requires_grad: true))];
        foreach (var parameter in parameters)
        {
            parameter.grad = randn(2_000, 1_000);
        }

        using var fused = new FusedAdamW([(parameters, 0.1)]);
        using var plain = optim.AdamW(parameters, 1e-3, weight_decay: 0.1);
        var (_, _, gain) = Timing.Ratio(() => plain.step(), () => fused.Step(1e-3), repeats: 5);
        context.Report("optimizer_gain", gain, "x");
    }

    /// <summary>
    /// One epoch of the small decoder on whole sequences, over the same model trained plainly: one padded row per target, logits of every
    /// position, TorchSharp's AdamW; as many labels and as many optimizer steps. Beside it the same with whole sequences on both sides.
    /// </summary>
    public static async Task PlainAsync(StudyContext context, int users)
    {
        var data = await StudyData.LoadAsync(context, "Industrial_and_Scientific");
        var template = CompactTemplate.For(data.Index!);
        var options = new SftOptions { AverageDecay = 0 };
        using var rig = new SftThroughput.Rig(DecoderConfig.Small(template.VocabularySize), options);
        rig.Model.Dropout = options.Dropout;
        var train = data.TrainSequences.Where(sequence => sequence.ItemIds.Count > 1).ToArray();
        new Random(2).Shuffle(train);
        var alignment = new AlignmentData(data.Index!, users > 0 ? train[..Math.Min(users, train.Length)] : train);
        TokenSample[] Make(NextItemMode mode) =>
            [.. new NextItemTask { Mode = mode, MaxHistory = 50 }.CreateSamples(new TaskContext(alignment, template, new Random(1)))];
        TokenSample[] sequences = Make(NextItemMode.Sequence), rows = Make(NextItemMode.Row);
        var trees = sequences.Select(sample => SampleTree.Of(sample)).ToArray();
        var batches = BatchOrder.Create([.. trees.Select(tree => tree.TokenCount)], options.BatchSize, new Random(1));
        void Ours()
        {
            foreach (int[] batch in batches)
            {
                rig.Step([.. batch.Select(i => trees[i])]);
            }
        }

        random.manual_seed(1);
        using var model = new DecoderModel(DecoderConfig.Small(template.VocabularySize)) { Dropout = options.Dropout };
        model.train();
        using var optimizer = optim.AdamW(model.parameters(), 1e-3, weight_decay: options.WeightDecay);
        Action Plain(TokenSample[] samples) => () =>
        {
            new Random(1).Shuffle(samples);
            foreach (var batch in samples.Chunk((samples.Length + batches.Count - 1) / batches.Count))
            {
                PlainStep(model, optimizer, batch, options);
            }
        };

        var (plain, ours, gain) = Timing.Ratio(Plain(rows), Ours, repeats: 3, warmUp: 1);
        context.Log(
            $"{rows.Length} rows, {batches.Count} steps: {rows.Length / plain.Median.TotalSeconds:F0} rows/s plainly, "
            + $"{rows.Length / ours.Median.TotalSeconds:F0} rows/s ours");
        context.Report("plain_gain", gain, "x");
        var (_, _, sameSamples) = Timing.Ratio(Plain(sequences), Ours, repeats: 3, warmUp: 1);
        context.Report("plain_gain_sequences", sameSamples, "x");
    }

    private static void PlainStep(DecoderModel model, optim.Optimizer optimizer, TokenSample[] batch, SftOptions options)
    {
        using var scope = NewDisposeScope();
        int longest = batch.Max(sample => sample.Tokens.Length);
        int[][] tokens = [.. batch.Select(sample => PadTo(sample.Tokens, longest))];
        long[] labels = [.. batch.SelectMany(sample =>
            Enumerable.Range(1, longest).Select(t => t < sample.Tokens.Length && sample.Labels[t] ? sample.Tokens[t] : -100L))];
        using var packed = TokenBatch.Of(tokens);
        optimizer.zero_grad();
        var logits = model.Logits(model.Forward(packed));                                           // [B·T, V]
        F.cross_entropy(logits, tensor(labels), ignore_index: -100, label_smoothing: options.LabelSmoothing).backward();
        nn.utils.clip_grad_norm_(model.parameters(), options.ClipNorm);
        optimizer.step();
    }

    private static SampleTree[] Pad(TokenSample[] batch)
    {
        int longest = (batch.Max(sample => sample.Tokens.Length) + 7) / 8 * 8;
        return [.. batch.Select(sample =>
        {
            bool[] labels = new bool[longest];
            sample.Labels.CopyTo(labels, 0);
            return SampleTree.Of(new TokenSample(PadTo(sample.Tokens, longest), labels, "t", sample.Id));
        })];
    }

    private static int[] PadTo(int[] tokens, int length) => [.. tokens, .. new int[length - tokens.Length]];
}
