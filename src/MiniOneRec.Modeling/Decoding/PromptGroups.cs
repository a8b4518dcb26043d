using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The rows of a decoding step by prompt, so that all rows of a prompt multiply its keys and values in one product.</summary>
internal sealed class PromptGroups
{
    private readonly Tensor? _pad;
    private readonly Tensor? _unpad;
    private readonly Tensor? _promptIndex;

    /// <param name="prompts">The prompt of each row, ascending.</param>
    /// <param name="promptCount">The number of prompts, with and without rows.</param>
    /// <param name="device">Where the tensors live.</param>
    public PromptGroups(int[] prompts, int promptCount, Device device)
    {
        int[] active = [.. prompts.Distinct()];
        int[] counts = [.. prompts.CountBy(p => p).OrderBy(pair => pair.Key).Select(pair => pair.Value)];
        Prompts = active.Length;
        RowsPerPrompt = counts.Max();
        if (active.Length != promptCount)
        {
            _promptIndex = Upload.Of([.. active.Select(p => (long)p)], device);
        }

        if (counts.Any(count => count != RowsPerPrompt))
        {
            var pad = new long[Prompts * RowsPerPrompt];
            var unpad = new long[prompts.Length];
            for (int p = 0, row = 0; p < Prompts; row += counts[p++])
            {
                for (int w = 0; w < RowsPerPrompt; w++)
                {
                    pad[p * RowsPerPrompt + w] = row + (w < counts[p] ? w : 0);
                    if (w < counts[p])
                    {
                        unpad[row + w] = p * RowsPerPrompt + w;
                    }
                }
            }

            (_pad, _unpad) = (Upload.Of(pad, device), Upload.Of(unpad, device));
        }
    }

    /// <summary>Gets B, the number of prompts that have rows.</summary>
    public int Prompts { get; }

    /// <summary>Gets W, the number of rows of the prompt that has most.</summary>
    public int RowsPerPrompt { get; }

    /// <summary>Selects the prompts that have rows.</summary>
    /// <param name="all">One entry for each prompt.</param>
    public Tensor PromptsOf(Tensor all) => _promptIndex is null ? all : all.index_select(0, _promptIndex);

    /// <summary><c>[R, …]</c> to <c>[B, W, …]</c>; places beyond a prompt's rows repeat its first.</summary>
    public Tensor ToPadded(Tensor rows)
    {
        long[] shape = [Prompts, RowsPerPrompt, .. rows.shape.AsSpan(1)];
        return (_pad is null ? rows : rows.index_select(0, _pad)).reshape(shape);
    }

    /// <summary><c>[B, W, …]</c> to <c>[R, …]</c>.</summary>
    public Tensor ToPacked(Tensor padded)
    {
        long[] shape = [Prompts * RowsPerPrompt, .. padded.shape.AsSpan(2)];
        var flat = padded.reshape(shape);
        return _unpad is null ? flat : flat.index_select(0, _unpad);
    }
}
