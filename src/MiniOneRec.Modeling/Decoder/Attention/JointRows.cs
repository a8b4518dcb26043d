using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>What the rows of a decoding step see where the keys of a prompt and of the rows on top of it lie behind each other, so that one
/// product serves both.</summary>
/// <param name="step">The step.</param>
/// <param name="cache">Prompts and earlier rows.</param>
/// <param name="groups">The step's rows by prompt.</param>
/// <param name="device">Where the tensors live.</param>
internal sealed class JointRows(DecodingStep step, PromptCache cache, PromptGroups groups, Device device) : IDisposable
{
    private readonly int _longest = cache.PromptLengths.Max();
    private int[][]? _own;
    private Tensor? _index;
    private (int Window, long Group, ScalarType Type, Tensor Bias)? _bias;

    /// <summary>Gets how many rows on top of a prompt are looked at.</summary>
    public int OwnCount => Own.Max(rows => rows.Length);

    /// <summary>Gets how many entries the mask has for one query head of a group.</summary>
    public long Elements => (long)groups.Prompts * groups.RowsPerPrompt * (_longest + OwnCount);

    // By prompt with rows: all rows of a single prompt, else those that its rows descend from.
    private int[][] Own => _own ??= cache.PromptCount == 1
        ? [[.. Enumerable.Range(0, cache.RowCount + step.Tokens.Length)]]
        : [.. Enumerable.Range(0, step.Tokens.Length).GroupBy(row => step.Prompts[row]).OrderBy(prompt => prompt.Key)
            .Select(prompt => prompt.SelectMany(row => step.Ancestors[row]).Distinct().ToArray())];

    /// <summary>Puts the rows of each prompt behind its own keys or values.</summary>
    /// <param name="prompts"><c>[B, Hkv, P, Dh]</c>.</param>
    /// <param name="rows">All rows, <c>[M, Hkv, Dh]</c>.</param>
    /// <returns><c>[B, Hkv, P + M', Dh]</c>.</returns>
    public Tensor Join(Tensor prompts, Tensor rows)
    {
        using var scope = NewDisposeScope();
        var own = cache.PromptCount == 1 ? rows.unsqueeze(0)
            : rows.index_select(0, _index ??= MakeIndex()).view(groups.Prompts, OwnCount, rows.size(1), rows.size(2));
        return cat([groups.PromptsOf(prompts), own.transpose(1, 2)], 2).MoveToOuterDisposeScope();
    }

    /// <summary>Gets −∞ where a row does not see, <c>[B, 1, W·G, P + M']</c>.</summary>
    /// <param name="window">How many positions a row sees at most, its own among them; 0 means all.</param>
    /// <param name="group">G.</param>
    /// <param name="type">The type of the scores.</param>
    public Tensor Bias(int window, long group, ScalarType type)
    {
        if (_bias is not { } made || (made.Window, made.Group, made.Type) != (window, group, type))
        {
            _bias?.Bias.Dispose();
            _bias = made = (window, group, type, MakeBias(window, group, type));
        }

        return made.Bias;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _index?.Dispose();
        _bias?.Bias.Dispose();
    }

    private Tensor MakeIndex()
    {
        int count = OwnCount;
        var index = new long[Own.Length * count];
        for (int b = 0; b < Own.Length; b++)
        {
            for (int i = 0; i < count; i++)
            {
                index[b * count + i] = Own[b][i < Own[b].Length ? i : 0];
            }
        }

        return Upload.Of(index, device).DetachFromDisposeScope();
    }

    private Tensor MakeBias(int window, long group, ScalarType type)
    {
        int wide = groups.RowsPerPrompt, seen = _longest + OwnCount;
        var bias = new float[groups.Prompts * wide * seen];
        Array.Fill(bias, float.NegativeInfinity);
        for (int b = 0, row = 0; b < groups.Prompts; b++)
        {
            int first = row, prompt = step.Prompts[row];
            var places = Own[b].Select((own, place) => (own, place)).ToDictionary(pair => pair.own, pair => pair.place);
            for (int w = 0; w < wide; w++)
            {
                // Places beyond a prompt's rows repeat its first, as the queries do.
                bool real = row < step.Tokens.Length && step.Prompts[row] == prompt;
                See(bias.AsSpan((b * wide + w) * seen, seen), real ? row : first, window, places);
                row += real ? 1 : 0;
            }
        }

        using var scope = NewDisposeScope();
        return Upload.Of(bias, [groups.Prompts, wide, 1, seen], device).to_type(type)
            .expand(groups.Prompts, wide, group, seen).reshape(groups.Prompts, 1, wide * group, seen).DetachFromDisposeScope();
    }

    private void See(Span<float> bias, int row, int window, Dictionary<int, int> places)
    {
        int[] chain = step.Ancestors[row];
        int length = cache.PromptLengths[step.Prompts[row]], beyond = window == 0 ? 0 : Math.Max(0, length + chain.Length - window);
        if (beyond < length)
        {
            bias[beyond..length].Clear();
        }

        for (int i = Math.Max(0, beyond - length); i < chain.Length; i++)
        {
            bias[_longest + places[chain[i]]] = 0;
        }
    }
}
