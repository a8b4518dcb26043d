using System.Text.Json.Nodes;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling.Tests.Settings;

/// <summary>Tiny checkpoints whose configuration changes the mathematics, with logits of a plain forward pass.</summary>
internal static class SettingsCases
{
    public static string Folder(string name) => Path.Combine(TestData.Root, "tests", "Fixtures", "settings", name);

    public static (int[] Tokens, float[] Logits) Expected(string name, string key)
    {
        var json = JsonNode.Parse(File.ReadAllText(Path.Combine(Folder(name), "expected.json")))!;
        return (json["tokens"]?.AsArray().Select(token => (int)token!).ToArray() ?? [1, 2, 3, 4, 5, 6, 7, 8],
            [.. json[key]!.AsArray().Select(logit => (float)logit!)]);
    }

    /// <summary>Computes the last token's logits in every way in which the library computes them.</summary>
    public static IEnumerable<(string Way, float[] Logits)> LastLogits(DecoderModel model, int[] tokens)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([tokens, tokens[..3]]);
        using (var cache = new PromptCache())
        {
            yield return ("forward", Values(model, model.Forward(batch)[tokens.Length - 1]));
            yield return ("forward with cache", Values(model, model.Forward(batch, cache)[tokens.Length - 1]));
        }

        using (var cache = new PromptCache())
        {
            yield return ("prefill", Values(model, model.Prefill(batch, cache)[0]));
        }

        for (int known = 1; known < tokens.Length; known += 3)
        {
            using var start = TokenBatch.Of([tokens[..known], tokens[..1]]);
            using var cache = new PromptCache();
            model.Prefill(start, cache);
            Tensor? hidden = null;
            for (int at = known; at < tokens.Length; at++)
            {
                int[] chain = [.. Enumerable.Range(0, at - known + 1)];
                hidden = model.Extend(cache, new DecodingStep { Tokens = [tokens[at]], Prompts = [0], Ancestors = [chain] });
            }

            yield return ($"extended from {known}", Values(model, hidden![0]));
        }
    }

    private static float[] Values(DecoderModel model, Tensor hidden) =>
        [.. model.Logits(hidden.unsqueeze(0)).to_type(ScalarType.Float32).data<float>()];
}
