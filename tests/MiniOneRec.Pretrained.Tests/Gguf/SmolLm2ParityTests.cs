using System.Text.Json;
using MiniOneRec.Modeling;
using MiniOneRec.Modeling.Tests;
using MiniOneRec.Pretrained.Tests.Tokenizers;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained.Tests.Gguf;

[Trait("Category", "Parity")]
public sealed class SmolLm2ParityTests
{
    [SkippableFact]
    public void ReadTokenizer_GivesTheReferenceIds()
    {
        using var file = GgufFile.Open(ModelFile());
        using var expected = Expected();

        var tokenizer = file.ReadTokenizer();

        TextTokenizerParityTests.Compare(tokenizer, expected.RootElement.GetProperty("tokenizer"));
        TextTokenizerParityTests.Compare(tokenizer, expected.RootElement.GetProperty("prompts"));
    }

    [SkippableFact]
    public async Task LoadDecoder_GgufAndTheFolderWrittenFromIt_GiveTheReferenceValues()
    {
        using var folder = new TemporaryFolder();
        using var file = GgufFile.Open(ModelFile());
        using (var model = file.LoadDecoder())
        {
            Check(model, file.ReadTokenizer());
            await HuggingFaceFolder.SaveAsync(folder["saved"], model,
                new() { MaxShardBytes = 200_000_000, Generation = file.ReadGenerationConfig(), Tokenizer = file.ReadTokenizer() });
        }

        using var saved = HuggingFaceFolder.Open(folder["saved"]);
        using var again = saved.LoadDecoder();

        Assert.True(saved.ShardMap.Values.Distinct().Count() > 1);
        Check(again, await TextTokenizer.LoadAsync(folder["saved"]));
    }

    private static void Check(DecoderModel model, TextTokenizer tokenizer)
    {
        using var scope = NewDisposeScope();
        using var noGrad = no_grad();
        using var json = Expected();
        var expected = SafetensorsFile.Load(Path.Combine(TestData.ForeignFixture("smollm2"), "expected.safetensors"));
        var prompts = json.RootElement.GetProperty("prompts").EnumerateArray().ToArray();
        int[][] sequences =
            [.. prompts.Select((prompt, i) => expected[$"{i}.input_ids"].data<long>().ToArray().Select(id => (int)id).ToArray())];
        using var batch = TokenBatch.Of(sequences);
        using var cache = new PromptCache();

        var hidden = model.Forward(batch, cache);

        for (int i = 0; i < sequences.Length; i++)
        {
            var own = hidden.narrow(0, batch.Offsets[i], batch.Lengths[i]);
            int predictions = batch.Lengths[i] - 1;
            Fixtures.Close(expected[$"{i}.last_hidden"], own, 1e-3, $"hidden {i}");
            Fixtures.Close(expected[$"{i}.last_logits"], model.Logits(own.narrow(0, predictions, 1)).squeeze(0), 1e-3, $"logits {i}");
            var nll = model.LogProbabilities(own.narrow(0, 0, predictions), expected[$"{i}.input_ids"].narrow(0, 1, predictions)).neg();
            Fixtures.Close(expected[$"{i}.nll"], nll, 1e-4, $"token losses {i}");
        }

        long steps = expected["0.greedy"].size(0);
        var last = hidden.index_select(0, tensor(batch.Offsets.Zip(batch.Lengths, (o, n) => (long)(o + n - 1)).ToArray()));
        var written = sequences.Select(_ => new List<int>()).ToArray();
        int[][] chains = [.. sequences.Select(_ => Array.Empty<int>())];
        for (int step = 0; step < steps; step++)
        {
            int[] next = [.. model.Logits(last).argmax(1).data<long>().ToArray().Select(token => (int)token)];
            for (int i = 0; i < next.Length; i++)
            {
                written[i].Add(next[i]);
                chains[i] = [.. chains[i], cache.RowCount + i];
            }

            last = model.Extend(cache,
                new DecodingStep { Tokens = next, Prompts = [.. Enumerable.Range(0, next.Length)], Ancestors = [.. chains] });
        }

        for (int i = 0; i < sequences.Length; i++)
        {
            // The reference stops at the end token and pads.
            int[] wanted = [.. expected[$"{i}.greedy"].data<long>().ToArray().Select(id => (int)id)];
            int end = Array.IndexOf(wanted, tokenizer.EndToken);
            int length = end < 0 ? wanted.Length : end + 1;
            Assert.Equal(wanted[..length], written[i][..length]);
            Assert.Equal(prompts[i].GetProperty("greedy_text").GetString(), tokenizer.Decode(written[i][..length], skipSpecial: true));
        }
    }

    private static string ModelFile() => Directory.GetFiles(TestData.Model("SmolLM2-135M-Instruct"), "*.gguf").Single();

    private static JsonDocument Expected() =>
        JsonDocument.Parse(File.ReadAllBytes(Path.Combine(TestData.ForeignFixture("smollm2"), "expected.json")));
}
