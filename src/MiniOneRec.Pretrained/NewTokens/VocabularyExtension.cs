using MiniOneRec.Modeling;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>Gives a pretrained decoder rows for the codes of semantic IDs.</summary>
public static class VocabularyExtension
{
    /// <summary>Makes a model with rows for all tokens of a vocabulary, in the embedding and, where it is not tied, in the head.</summary>
    /// <param name="model">The pretrained model. Its other weights are handed over and it is disposed.</param>
    /// <param name="vocabulary">The codes and their tokens.</param>
    /// <param name="knownTokens">
    /// The number of tokens that the tokenizer had before; checkpoints may have more rows than that, and those were never trained. Rows
    /// below stay as they are, rows from here on are made anew.
    /// </param>
    /// <param name="initializer">Where the new rows come from.</param>
    /// <param name="seed">The seed of the initialisation.</param>
    /// <param name="multiple">The number of rows is rounded up to a multiple of this; it never shrinks.</param>
    /// <returns>The larger model, on the same device and in the same type.</returns>
    /// <exception cref="ArgumentException">The model has fewer rows than known tokens.</exception>
    public static DecoderModel Extend(
        DecoderModel model, SemanticIdVocabulary vocabulary, int knownTokens, TokenRowInitializer initializer, long seed = 0,
        int multiple = 1)
    {
        ArgumentNullException.ThrowIfNull(model);
        ArgumentNullException.ThrowIfNull(vocabulary);
        ArgumentNullException.ThrowIfNull(initializer);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(multiple);
        if (knownTokens < 1 || knownTokens > model.Config.VocabularySize)
        {
            throw new ArgumentException($"{knownTokens} known tokens; the model has {model.Config.VocabularySize} rows.",
                nameof(knownTokens));
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        long[] tokens = [.. Enumerable.Range(0, vocabulary.Depth).SelectMany(level => vocabulary.TokensOf(level).ToArray())
            .Where(token => token >= 0).Select(token => (long)token)];
        long size = Math.Max(model.Config.VocabularySize, tokens.Max() + 1);
        var config = model.Config with { VocabularySize = checked((int)((size + multiple - 1) / multiple * multiple)) };
        var type = model.EmbeddingWeight.dtype;
        DecoderModel extended;
        using (Weights.WithoutMemory(type))
        {
            extended = new DecoderModel(config);
        }

        using var generator = new Generator((ulong)seed);
        var parameters = model.named_parameters().ToDictionary(pair => pair.name, pair => pair.parameter);
        bool onCpu = model.Device.type == DeviceType.CPU;
        foreach (var (name, parameter) in extended.named_parameters())
        {
            var old = parameters[name].detach().cpu();
            bool grows = DecoderTensorNames.HasTokenRows(name);
            parameter.set_(grows ? Grow(old, config.VocabularySize, knownTokens, tokens, vocabulary, initializer, generator) : old);
        }

        var device = model.Device;
        model.Dispose();
        if (!onCpu)
        {
            extended.to(device);
        }

        extended.eval();
        return extended;
    }

    private static Tensor Grow(
        Tensor old, long size, int knownTokens, long[] tokens, SemanticIdVocabulary vocabulary, TokenRowInitializer initializer,
        Generator generator)
    {
        using var scope = NewDisposeScope();
        var known = old.narrow(0, 0, knownTokens);                                          // [T, D]
        var rows = empty(size, old.size(1), dtype: old.dtype);                              // [V, D]
        rows.narrow(0, 0, knownTokens).copy_(known);
        rows.narrow(0, knownTokens, size - knownTokens).copy_(TokenRowInitializer.Mean(known).expand(size - knownTokens, -1));

        var made = initializer.MakeRows(known, vocabulary, generator);                      // [R, D]
        long[] fresh = [.. Enumerable.Range(0, tokens.Length).Where(i => tokens[i] >= knownTokens).Select(i => (long)i)];
        if (fresh.Length > 0)
        {
            rows.index_copy_(0, tensor(fresh.Select(i => tokens[i]).ToArray()), made.index_select(0, tensor(fresh)).to_type(old.dtype));
        }

        return rows.MoveToOuterDisposeScope();
    }
}
