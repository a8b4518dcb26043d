using System.Text.Json;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests;

[Trait("Category", "Parity")]
public sealed class DecoderParityTests
{
    public static TheoryData<string> Folders => ["qwen2-tied", "qwen2-untied-bf16-sharded", "qwen3", "llama"];

    [Theory]
    [MemberData(nameof(Folders))]
    public void Forward_LogitsAndHidden_EqualTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Fixtures.Decoder(folder);
        var expected = Fixtures.Tensors(folder, "expected.safetensors");
        var sequences = Sequences(expected);
        using var batch = TokenBatch.Of(sequences);

        var hidden = model.Forward(batch);
        var logits = model.Logits(hidden);

        string lastHidden = $"hidden.{model.Config.LayerCount}";
        for (int b = 0; b < sequences.Length; b++)
        {
            int length = sequences[b].Length;
            long width = expected["input_ids"].size(1);
            Fixtures.Close(expected["logits"][b].narrow(0, width - length, length), logits.narrow(0, batch.Offsets[b], length), 1e-4,
                $"{folder} logits {b}");
            Fixtures.Close(expected[lastHidden][b].narrow(0, width - length, length), hidden.narrow(0, batch.Offsets[b], length), 1e-4,
                $"{folder} hidden {b}");
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Backward_LossAndGradients_EqualTheReference(string folder)
    {
        using var scope = NewDisposeScope();
        using var model = Fixtures.Decoder(folder);
        var expected = Fixtures.Tensors(folder, "expected.safetensors");
        var sequences = Sequences(expected);
        using var batch = TokenBatch.Of(sequences);
        long width = expected["input_ids"].size(1);
        var rows = new List<long>();
        var targets = new List<long>();
        for (int b = 0; b < sequences.Length; b++)
        {
            long[] labels = [.. expected["labels"][b].data<long>()];
            for (int t = 1; t < sequences[b].Length; t++)
            {
                long label = labels[width - sequences[b].Length + t];
                if (label >= 0)
                {
                    rows.Add(batch.Offsets[b] + t - 1);
                    targets.Add(label);
                }
            }
        }

        var hidden = model.Forward(batch).index_select(0, tensor(rows.ToArray()));
        var loss = model.LogProbabilities(hidden, tensor(targets.ToArray())).mean().neg();
        autograd.backward([loss]);

        Fixtures.Close(expected["loss"].view(1), loss.detach().view(1), 1e-5, $"{folder} loss");
        var parameters = model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        int compared = 0;
        foreach (var (name, gradient) in expected.Where(pair => pair.Key.StartsWith("grad.", StringComparison.Ordinal)))
        {
            Fixtures.CloseRelative(gradient, parameters[name[5..]].grad!, 1e-4, $"{folder} {name}");
            compared++;
        }

        Assert.True(compared > 0);
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Extend_TokenByToken_EqualsTheFullForward(string folder)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Fixtures.Decoder(folder);
        var expected = Fixtures.Tensors(folder, "expected.safetensors");
        var sequences = Sequences(expected);
        long[] greedy = [.. expected["greedy"].data<long>()];
        int steps = (int)expected["greedy"].size(1);
        using var config = JsonDocument.Parse(File.ReadAllText(Path.Combine(TestData.Fixture(folder), "config.json")));
        long end = config.RootElement.GetProperty("eos_token_id").GetInt64();
        using var batch = TokenBatch.Of(sequences);
        using var cache = new PromptCache();

        var hidden = model.Forward(batch, cache);
        var last = hidden.index_select(0, tensor(batch.Offsets.Zip(batch.Lengths, (o, n) => (long)(o + n - 1)).ToArray()));
        var chains = sequences.Select(_ => Array.Empty<int>()).ToArray();
        for (int step = 0; step < steps; step++)
        {
            int[] next = [.. model.Logits(last).argmax(1).data<long>().ToArray().Select(token => (int)token)];
            for (int b = 0; b < sequences.Length; b++)
            {
                if (!greedy.AsSpan(b * steps, step).Contains(end))          // the reference pads after the end token
                {
                    Assert.Equal(greedy[b * steps + step], next[b]);
                }

                chains[b] = [.. chains[b], cache.RowCount + b];
            }

            last = model.Extend(cache,
                new DecodingStep { Tokens = next, Prompts = [.. Enumerable.Range(0, sequences.Length)], Ancestors = [.. chains] });
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Extend_BeamsOnSharedPrompts_EqualFullRecompute(string folder)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Fixtures.Decoder(folder);
        int[][] prompts = [[3, 14, 15, 92, 65], [35, 89]];
        using var batch = TokenBatch.Of(prompts);
        using var cache = new PromptCache();
        model.Forward(batch, cache);

        // Two beams on the first prompt, one on the second; then a step whose rows share, skip and double their parents.
        var first = model.Extend(cache, new DecodingStep { Tokens = [7, 8, 9], Prompts = [0, 0, 1], Ancestors = [[0], [1], [2]] });
        var second = model.Extend(cache, new DecodingStep
        {
            Tokens = [10, 11, 12, 13], Prompts = [0, 0, 0, 0], Ancestors = [[1, 3], [1, 4], [0, 5], [0, 5, 6]],
        });

        int[][] copies =
        [
            [.. prompts[0], 7], [.. prompts[0], 8], [.. prompts[1], 9],
            [.. prompts[0], 8, 10], [.. prompts[0], 8, 11], [.. prompts[0], 7, 12], [.. prompts[0], 7, 12, 13],
        ];
        var shared = cat([first, second]);
        for (int r = 0; r < copies.Length; r++)
        {
            using var whole = TokenBatch.Of([copies[r]]);
            Fixtures.Close(model.Forward(whole)[copies[r].Length - 1], shared[r], 1e-5, $"{folder} row {r}");
        }
    }

    [Theory]
    [MemberData(nameof(Folders))]
    public void Forward_Tree_EqualsItsCopies(string folder)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var model = Fixtures.Decoder(folder);
        int[] prompt = [7, 3, 90, 41];
        int[][] completions = [[5, 6, 7], [5, 6, 8], [9, 6, 7], [5, 6, 7], [11]];
        using var tree = TokenBatch.Of([TokenTree.Branches(prompt, completions, out var nodes), TokenTree.Chain([1, 2])]);
        using var copies = TokenBatch.Of([.. completions.Select(c => (int[])[.. prompt, .. c]), [1, 2]]);

        var shared = model.Forward(tree);
        var copied = model.Forward(copies);

        Assert.Equal(prompt.Length + 8 + 2, tree.TotalTokens);
        for (int g = 0; g < completions.Length; g++)
        {
            for (int t = 0; t < completions[g].Length; t++)
            {
                Fixtures.Close(copied[copies.Offsets[g] + prompt.Length + t], shared[nodes[g][t]], 1e-5,
                    $"{folder} completion {g} token {t}");
            }
        }

        Fixtures.Close(copied.narrow(0, copies.Offsets[^1], 2), shared.narrow(0, tree.Offsets[1], 2), 1e-5, "chain beside the tree");
    }

    private static int[][] Sequences(Dictionary<string, Tensor> expected)
    {
        long rows = expected["input_ids"].size(0);
        return [.. Enumerable.Range(0, (int)rows).Select(b =>
        {
            long[] mask = [.. expected["attention_mask"][b].to_type(ScalarType.Int64).data<long>()];
            return expected["input_ids"][b].data<long>().ToArray().Where((_, t) => mask[t] == 1).Select(token => (int)token).ToArray();
        })];
    }
}
