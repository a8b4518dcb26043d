using System.Diagnostics.CodeAnalysis;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Keys and values of users' last prompts, so that a prompt which begins as the last one did runs its new tokens alone.</summary>
/// <remarks>
/// A history that grew by an item grows the prompt by the item's codes, where the template writes the oldest item first and the history is
/// not cut. Prompts are kept by <see cref="RecommendationRequest.UserId"/>, the least recently used leave first, and no more bytes are held
/// than allowed. Safe for concurrent use.
/// </remarks>
internal sealed class PromptReuse : IDisposable
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, LinkedListNode<Entry>> _entries = new(StringComparer.Ordinal);
    private readonly LinkedList<Entry> _order = new();
    private int _runs;

    /// <summary>Gets the bytes that are held.</summary>
    public long Bytes { get; private set; }

    /// <summary>Returns whether prompts of a model can be kept: its hidden states depend on nothing but tokens, and nobody trains
    /// it.</summary>
    public static bool Suits(CausalLanguageModel model) => model is DecoderModel { Content: null, NewRows: null, Lease.IsTraining: false };

    /// <summary>Gets how many tokens of a user's prompt need not run again; 0 for none.</summary>
    /// <param name="user">The user, or null.</param>
    /// <param name="prompt">The prompt; its last token always runs.</param>
    /// <param name="runs">How often the weights were trained.</param>
    public int Known(string? user, int[] prompt, int runs)
    {
        lock (_gate)
        {
            return Find(user, runs, out var entry) ? Common(entry.Tokens, prompt) : 0;
        }
    }

    /// <summary>Runs the new tokens of prompts on top of what is kept of each, and fills a cache as a pass over the whole prompts
    /// would.</summary>
    /// <param name="model">The model.</param>
    /// <param name="users">The user of each prompt; all are known.</param>
    /// <param name="prompts">The prompts.</param>
    /// <param name="runs">How often the weights were trained.</param>
    /// <param name="cache">An empty cache.</param>
    /// <returns>Hidden states of the prompts' last tokens, <c>[B, D]</c>; <see langword="null"/> where a prompt is not kept any
    /// more.</returns>
    public Tensor? Resume(CausalLanguageModel model, IReadOnlyList<string> users, IReadOnlyList<int[]> prompts, int runs, PromptCache cache)
    {
        using var scope = NewDisposeScope();
        using var partial = new PromptCache();
        int count = prompts.Count;
        int[] known = new int[count];
        lock (_gate)
        {
            var entries = new Entry[count];
            for (int b = 0; b < count; b++)
            {
                if (!Find(users[b], runs, out var entry) || (known[b] = Common(entry.Tokens, prompts[b])) == 0)
                {
                    return null;
                }

                entries[b] = entry;
            }

            partial.Begin(known, entries[0].Keys.device);
            for (int layer = 0; layer < entries[0].Keys.size(0); layer++)
            {
                partial.AddPrompt(Padded(entries.Select(entry => entry.Keys[layer]), known),
                    Padded(entries.Select(entry => entry.Values[layer]), known));
            }
        }

        var (tokens, owners, ancestors, last) = (new List<int>(), new List<int>(), new List<int[]>(), new long[count]);
        int[] starts = new int[count];
        for (int b = 0; b < count; b++)
        {
            starts[b] = tokens.Count;
            for (int t = known[b]; t < prompts[b].Length; t++)
            {
                tokens.Add(prompts[b][t]);
                owners.Add(b);
                ancestors.Add([.. Enumerable.Range(starts[b], t - known[b] + 1)]);
            }

            last[b] = tokens.Count - 1;
        }

        var hidden = model.Extend(partial, new DecodingStep { Tokens = [.. tokens], Prompts = [.. owners], Ancestors = [.. ancestors] });
        int[] lengths = [.. prompts.Select(prompt => prompt.Length)];
        cache.Begin(lengths, hidden.device);
        for (int layer = 0; layer < partial.LayerCount; layer++)
        {
            cache.AddPrompt(Joined(partial[layer].PromptKeys, partial[layer].Keys!, known, starts, lengths),
                Joined(partial[layer].PromptValues, partial[layer].Values!, known, starts, lengths));
        }

        return hidden.index_select(0, tensor(last, device: hidden.device)).MoveToOuterDisposeScope();        // [B, D]
    }

    /// <summary>Keeps a user's prompt.</summary>
    /// <param name="user">The user.</param>
    /// <param name="prompt">The tokens.</param>
    /// <param name="cache">Holds the prompt's keys and values.</param>
    /// <param name="b">Where the prompt stands in the cache.</param>
    /// <param name="runs">How often the weights were trained.</param>
    /// <param name="most">How many bytes may be held.</param>
    public void Keep(string user, int[] prompt, PromptCache cache, int b, int runs, long most)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor All(Func<PromptCache.Layer, Tensor> part) => stack([.. Enumerable.Range(0, cache.LayerCount)
            .Select(layer => part(cache[layer])[b].narrow(1, 0, prompt.Length))]);                            // [L, Hkv, P, Dh]

        var entry = new Entry(user, prompt, All(layer => layer.PromptKeys).DetachFromDisposeScope(),
            All(layer => layer.PromptValues).DetachFromDisposeScope());
        lock (_gate)
        {
            Reset(runs);
            if (_entries.Remove(user, out var before))
            {
                Drop(before);
            }

            _entries[user] = _order.AddFirst(entry);
            Bytes += entry.Bytes;
            while (Bytes > most && _order.Last is { } oldest)
            {
                _entries.Remove(oldest.Value.User);
                Drop(oldest);
            }
        }
    }

    /// <summary>Forgets a user, or everybody.</summary>
    public void Forget(string? user = null)
    {
        lock (_gate)
        {
            if (user is not null)
            {
                if (_entries.Remove(user, out var node))
                {
                    Drop(node);
                }

                return;
            }

            while (_order.First is { } first)
            {
                Drop(first);
            }

            _entries.Clear();
        }
    }

    public void Dispose() => Forget();

    private static int Common(int[] kept, int[] prompt)
    {
        int same = kept.AsSpan().CommonPrefixLength(prompt);
        return Math.Min(same, prompt.Length - 1);
    }

    private static Tensor Padded(IEnumerable<Tensor> parts, int[] lengths)
    {
        long longest = lengths.Max();
        return stack([.. parts.Select((part, b) =>
        {
            var own = part.narrow(1, 0, lengths[b]);                                        // [Hkv, P, Dh]
            return lengths[b] == longest ? own : nn.functional.pad(own, [0, 0, 0, longest - lengths[b]]);
        })]);                                                                               // [B, Hkv, P, Dh]
    }

    /// <summary>Appends each prompt's rows to what was known of it.</summary>
    private static Tensor Joined(Tensor prompts, Tensor rows, int[] known, int[] starts, int[] lengths)
    {
        long longest = lengths.Max();
        return stack([.. Enumerable.Range(0, lengths.Length).Select(b =>
        {
            var own = rows.narrow(0, starts[b], lengths[b] - known[b]).transpose(0, 1);     // [Hkv, S, Dh]
            var whole = cat([prompts[b].narrow(1, 0, known[b]), own], 1);                   // [Hkv, T, Dh]
            return lengths[b] == longest ? whole : nn.functional.pad(whole, [0, 0, 0, longest - lengths[b]]);
        })]);                                                                               // [B, Hkv, T, Dh]
    }

    private bool Find(string? user, int runs, [NotNullWhen(true)] out Entry? entry)
    {
        Reset(runs);
        if (user is not null && _entries.TryGetValue(user, out var node))
        {
            _order.Remove(node);
            _order.AddFirst(node);
            entry = node.Value;
            return true;
        }

        entry = null;
        return false;
    }

    /// <summary>What was computed with other weights is of no use.</summary>
    private void Reset(int runs)
    {
        if (_runs != runs)
        {
            Forget();
            _runs = runs;
        }
    }

    private void Drop(LinkedListNode<Entry> node)
    {
        _order.Remove(node);
        Bytes -= node.Value.Bytes;
        node.Value.Keys.Dispose();
        node.Value.Values.Dispose();
    }

    /// <summary>A user's last prompt.</summary>
    /// <param name="User">The user.</param>
    /// <param name="Tokens">The tokens.</param>
    /// <param name="Keys"><c>[L, Hkv, P, Dh]</c>.</param>
    /// <param name="Values"><c>[L, Hkv, P, Dh]</c>.</param>
    private sealed record Entry(string User, int[] Tokens, Tensor Keys, Tensor Values)
    {
        public long Bytes { get; } = 2 * Keys.numel() * Keys.element_size();
    }
}
