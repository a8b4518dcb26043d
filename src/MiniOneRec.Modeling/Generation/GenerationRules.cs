using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>What a <see cref="GenerationConfig"/> does to the logits before the most probable token is taken.</summary>
internal sealed class GenerationRules(GenerationConfig config)
{
    /// <summary>Chooses the next token of each text.</summary>
    /// <param name="logits"><c>[R, V]</c>.</param>
    /// <param name="rows">Prompt, text so far and limit of each row.</param>
    public long[] Choose(Tensor logits, IReadOnlyList<(int[] Prompt, List<int> Text, int Limit)> rows)
    {
        using var scope = NewDisposeScope();
        float[] values = [.. logits.detach().to_type(ScalarType.Float32).cpu().contiguous().data<float>()];
        int vocabulary = (int)logits.size(1);
        var chosen = new long[rows.Count];
        for (int r = 0; r < chosen.Length; r++)
        {
            var row = values.AsSpan(r * vocabulary, vocabulary);
            Apply(row, [.. rows[r].Prompt, .. rows[r].Text], rows[r].Prompt.Length, rows[r].Limit);
            int best = 0;
            for (int token = 1; token < row.Length; token++)
            {
                if (row[token] > row[best])
                {
                    best = token;
                }
            }

            chosen[r] = best;
        }

        return chosen;
    }

    /// <summary>Applies the rules to one row, in Hugging Face's order.</summary>
    /// <param name="logits">The row, <c>[V]</c>.</param>
    /// <param name="tokens">Prompt and text so far.</param>
    /// <param name="prompt">The length of the prompt.</param>
    /// <param name="limit">The most tokens that are written.</param>
    internal void Apply(Span<float> logits, int[] tokens, int prompt, int limit)
    {
        if (config.RepetitionPenalty != 1)
        {
            foreach (int token in tokens.Distinct())
            {
                logits[token] =
                    (float)(logits[token] < 0 ? logits[token] * config.RepetitionPenalty : logits[token] / config.RepetitionPenalty);
            }
        }

        BanRepeats(logits, tokens);
        foreach (var word in config.BadWordsIds)
        {
            // A bad word that is an end token alone is none.
            bool ends = word.Count == 1 && config.EosTokenIds.Contains(word[0]);
            if (!ends && word.Count <= tokens.Length + 1
                && tokens.AsSpan(tokens.Length - word.Count + 1).SequenceEqual([.. word.Take(word.Count - 1)]))
            {
                Ban(logits, word[^1]);
            }
        }

        int written = tokens.Length - prompt;
        if (tokens.Length < config.MinLength || written < config.MinNewTokens)
        {
            BanAll(logits, config.EosTokenIds);
        }

        if (tokens.Length == 1 && config.ForcedBosTokenId is { } first)
        {
            Force(logits, [first]);
        }

        if (written == limit - 1 && config.ForcedEosTokenIds.Count > 0)
        {
            Force(logits, config.ForcedEosTokenIds);
        }

        BanAll(logits, config.SuppressTokens);
        if (written == 0)
        {
            BanAll(logits, config.BeginSuppressTokens);
        }
    }

    private void BanRepeats(Span<float> logits, int[] tokens)
    {
        int size = config.NoRepeatNgramSize;
        if (size == 0 || tokens.Length + 1 < size)
        {
            return;
        }

        var last = tokens.AsSpan(tokens.Length - size + 1);
        for (int at = 0; at + size <= tokens.Length; at++)
        {
            if (tokens.AsSpan(at, size - 1).SequenceEqual(last))
            {
                Ban(logits, tokens[at + size - 1]);
            }
        }
    }

    private static void Force(Span<float> logits, IReadOnlyList<int> tokens)
    {
        float[] kept = new float[logits.Length];
        Array.Fill(kept, float.NegativeInfinity);
        foreach (int token in tokens.Where(token => token < kept.Length))
        {
            kept[token] = 0;
        }

        kept.CopyTo(logits);
    }

    private static void BanAll(Span<float> logits, IReadOnlyList<int> tokens)
    {
        foreach (int token in tokens)
        {
            Ban(logits, token);
        }
    }

    private static void Ban(Span<float> logits, int token)
    {
        if (token < logits.Length)
        {
            logits[token] = float.NegativeInfinity;
        }
    }
}
