using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;
using F = TorchSharp.torch.nn.functional;

namespace MiniOneRec.Modeling;

/// <summary>Scores of a level's tokens for several rows of hidden states, on the host.</summary>
internal sealed class LevelScores
{
    private readonly float[] _values;
    private readonly int _width;

    private LevelScores(float[] values, int width) => (_values, _width) = (values, width);

    /// <summary>Gets a row's scores, one per token.</summary>
    /// <param name="row">The row.</param>
    public ReadOnlySpan<float> this[int row] => _values.AsSpan(row * _width, _width);

    /// <summary>Computes the logits of tokens; the head runs on these tokens alone.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden"><c>[R, D]</c>.</param>
    /// <param name="tokens">The tokens whose scores are wanted.</param>
    public static LevelScores Logits(IDecodingBackbone model, Tensor hidden, ReadOnlySpan<int> tokens)
    {
        using var scope = NewDisposeScope();
        return new LevelScores(ToHost(LogitsOf(model, hidden, tokens)), tokens.Length);
    }

    /// <summary>Computes the log-probabilities of tokens, normalised over the full vocabulary.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden"><c>[R, D]</c>.</param>
    /// <param name="tokens">The tokens whose scores are wanted.</param>
    public static LevelScores LogProbabilities(IDecodingBackbone model, Tensor hidden, ReadOnlySpan<int> tokens)
    {
        using var scope = NewDisposeScope();
        var logits = LogitsOf(model, hidden, tokens);                                           // [R, K]
        return new LevelScores(ToHost(logits - model.LogNormalizers(hidden).unsqueeze(1)), tokens.Length);
    }

    /// <summary>Computes the log-probabilities of tokens, and takes the denominators of their prompts off too.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden"><c>[R, D]</c>.</param>
    /// <param name="tokens">The tokens whose scores are wanted.</param>
    /// <param name="roots">Hidden states of the prompts, whose first codes were scored by logits, <c>[B, D]</c>.</param>
    /// <param name="prompts">The prompt of each row.</param>
    public static LevelScores LogProbabilities(
        IDecodingBackbone model, Tensor hidden, ReadOnlySpan<int> tokens, Tensor roots, IReadOnlyList<int> prompts)
    {
        using var scope = NewDisposeScope();
        var logits = LogitsOf(model, hidden, tokens);                                           // [R, K]
        var normalizers = model.LogNormalizers(cat([roots, hidden]));                           // [B + R]
        var first = normalizers.index_select(0, Upload.Of([.. prompts.Select(prompt => (long)prompt)], hidden.device));   // [R]
        var both = normalizers.narrow(0, roots.size(0), hidden.size(0)).Plus(first);            // [R]
        return new LevelScores(ToHost(logits - both.unsqueeze(1)), tokens.Length);
    }

    /// <summary>Computes the log-probability of one token per row, normalised over the full vocabulary.</summary>
    /// <param name="model">The model.</param>
    /// <param name="hidden"><c>[R, D]</c>.</param>
    /// <param name="targets">A token for each row.</param>
    /// <returns>One value per row.</returns>
    public static float[] LogProbabilitiesOf(IDecodingBackbone model, Tensor hidden, long[] targets)
    {
        using var scope = NewDisposeScope();
        var chosen = model.HeadWeight.index_select(0, Upload.Of(targets, hidden.device));  // [R, D]
        var logits = (hidden.to_type(ScalarType.Float32) * chosen.to_type(ScalarType.Float32)).sum([1]);   // [R]
        return ToHost(logits - model.LogNormalizers(hidden));
    }

    private static Tensor LogitsOf(IDecodingBackbone model, Tensor hidden, ReadOnlySpan<int> tokens)
    {
        int first = tokens[0];
        bool consecutive = true;
        for (int i = 1; i < tokens.Length && consecutive; i++)
        {
            consecutive = tokens[i] == first + i;
        }

        var index = consecutive ? null : Upload.Of([.. tokens.ToArray().Select(token => (long)Math.Max(0, token))], model.Device);
        long width = tokens.Length;
        var weight = consecutive ? model.HeadWeight.narrow(0, first, width) : model.HeadWeight.index_select(0, index!);
        return F.linear(hidden, weight).to_type(ScalarType.Float32);                            // [R, K]
    }

    private static float[] ToHost(Tensor values)
    {
        using var host = values.to_type(ScalarType.Float32).cpu().contiguous();
        return host.data<float>().ToArray();
    }
}
