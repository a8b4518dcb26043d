using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>What a model gives every token of a response to a prompt.</summary>
internal static class TokenEvidence
{
    /// <summary>Computes the log-probability of every token of a response, with one forward pass.</summary>
    /// <param name="model">The decoder, in evaluation mode.</param>
    /// <param name="prompt">The prompt, P tokens.</param>
    /// <param name="response">The response, R tokens.</param>
    /// <returns>Token id and full-vocabulary log-probability in nats, in order.</returns>
    public static IReadOnlyList<(int Token, double LogProbability)> Compute(CausalLanguageModel model, int[] prompt, int[] response)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        using var batch = TokenBatch.Of([[.. prompt, .. response[..^1]]], model.Device);
        var hidden = model.Forward(batch).narrow(0, prompt.Length - 1, response.Length);        // [R, D]
        var tokens = tensor([.. response.Select(token => (long)token)], device: model.Device);  // [R]
        var values = model.LogProbabilities(hidden, tokens).cpu();                              // [R]
        return [.. response.Zip(values.data<float>().ToArray(), (token, value) => (token, (double)value))];
    }
}
