using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>Token trees packed one after the other without padding, with what attention needs to keep them apart.</summary>
/// <remarks>
/// Everything but attention runs on the N packed tokens. Attention alone gathers them to <c>[B, T]</c>, padded on the right: under a causal
/// mask no real token looks to its right, so chains need no mask of their own; trees get one.
/// </remarks>
public sealed class TokenBatch : IDisposable
{
    private readonly Lock _gate = new();
    private AttentionRows? _rows;
    private (int Window, Tensor Mask)? _windowed;
    private (ContentModule Content, HistoryRows Rows)? _histories;

    private TokenBatch(IReadOnlyList<TokenTree> trees, Tensor tokens, Tensor positions, int[] lengths, int[] offsets, Tensor? pad,
        Tensor? unpad, Tensor? mask)
    {
        Trees = trees;
        (Tokens, Positions, Lengths, Offsets, Pad, Unpad, Mask) = (tokens, positions, lengths, offsets, pad, unpad, mask);
        MaxLength = lengths.Max();
    }

    /// <summary>Gets the trees, in the order in which they are packed.</summary>
    internal IReadOnlyList<TokenTree> Trees { get; }

    /// <summary>Gets the token ids, <c>[N]</c> int64.</summary>
    public Tensor Tokens { get; }

    /// <summary>Gets the positions, <c>[N]</c> int64.</summary>
    public Tensor Positions { get; }

    /// <summary>Gets the number of tokens of each tree.</summary>
    public IReadOnlyList<int> Lengths { get; }

    /// <summary>Gets the first token of each tree among the N.</summary>
    public IReadOnlyList<int> Offsets { get; }

    /// <summary>Gets B, the number of trees.</summary>
    public int Count => Lengths.Count;

    /// <summary>Gets T, the number of tokens of the largest tree.</summary>
    public int MaxLength { get; }

    /// <summary>Gets N, the number of tokens.</summary>
    public int TotalTokens => Offsets[^1] + Lengths[^1];

    /// <summary>Gets for each of the B·T places a packed token, or <see langword="null"/> where all trees have T tokens.</summary>
    internal Tensor? Pad { get; }

    /// <summary>Gets for each packed token its place among the B·T, or <see langword="null"/> where all trees have T tokens.</summary>
    internal Tensor? Unpad { get; }

    /// <summary>Gets which token sees which, <c>[B, 1, T, T]</c> bool, or <see langword="null"/> where all trees are chains.</summary>
    internal Tensor? Mask { get; }

    /// <summary>Gets which token sees which under a window, <c>[B or 1, 1, T, T]</c> bool, or <see langword="null"/> where all see all
    /// before them.</summary>
    /// <param name="window">How many positions a token sees at most, its own among them; 0 means all. Lives as long as the batch.</param>
    internal Tensor? MaskFor(int window)
    {
        if (window == 0 || window >= MaxLength)
        {
            return Mask;
        }

        lock (_gate)
        {
            if (_windowed?.Window != window)
            {
                _windowed?.Mask.Dispose();
                _windowed = (window, MakeWindow(window));
            }

            return _windowed!.Value.Mask;
        }
    }

    /// <summary>Gets which items end where, as a model's content counts them; computed once.</summary>
    internal HistoryRows HistoriesFor(ContentModule content)
    {
        if (_histories is not { } known || !ReferenceEquals(known.Content, content))
        {
            _histories = known = (content, HistoryRows.Of(Trees, content.Vocabulary, content.Trie));
        }

        return known.Rows;
    }

    /// <summary>Gets what each token of a chain sees.</summary>
    internal AttentionRows Rows => _rows ??= AttentionRows.Causal(Lengths);

    /// <summary>Packs chains.</summary>
    /// <param name="sequences">Token ids, each at least one.</param>
    /// <param name="device">Where the tensors live; the CPU by default.</param>
    public static TokenBatch Of(IReadOnlyList<int[]> sequences, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        return Of([.. sequences.Select(TokenTree.Chain)], device);
    }

    /// <summary>Packs trees.</summary>
    /// <param name="trees">At least one tree.</param>
    /// <param name="device">Where the tensors live; the CPU by default.</param>
    public static TokenBatch Of(IReadOnlyList<TokenTree> trees, Device? device = null)
    {
        ArgumentNullException.ThrowIfNull(trees);
        ArgumentOutOfRangeException.ThrowIfZero(trees.Count, nameof(trees));

        int[] lengths = [.. trees.Select(tree => tree.Tokens.Count)];
        var offsets = new int[lengths.Length];
        for (int b = 1; b < offsets.Length; b++)
        {
            offsets[b] = offsets[b - 1] + lengths[b - 1];
        }

        int total = offsets[^1] + lengths[^1], longest = lengths.Max();
        var tokens = new long[total];
        var positions = new long[total];
        for (int b = 0; b < lengths.Length; b++)
        {
            for (int i = 0; i < lengths[b]; i++)
            {
                tokens[offsets[b] + i] = trees[b].Tokens[i];
                int parent = trees[b].Parents?[i] ?? i - 1;
                positions[offsets[b] + i] = parent < 0 ? 0 : positions[offsets[b] + parent] + 1;
            }
        }

        bool ragged = lengths.Any(length => length != longest);
        bool branched = trees.Any(tree => tree.Parents is not null);
        return new TokenBatch(
            trees,
            Make(tokens, device),
            Make(positions, device),
            lengths,
            offsets,
            ragged ? Make(PadIndex(lengths, offsets, longest), device) : null,
            ragged ? Make(UnpadIndex(lengths, offsets, longest, total), device) : null,
            branched ? MakeMask(trees, longest, device) : null);
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        Tokens.Dispose();
        Positions.Dispose();
        Pad?.Dispose();
        Unpad?.Dispose();
        Mask?.Dispose();
        _windowed?.Mask.Dispose();
    }

    /// <summary>Gathers packed rows to the padded layout.</summary>
    /// <param name="packed"><c>[N, …]</c>.</param>
    /// <returns><c>[B, T, …]</c>; places beyond a tree's end hold its first token.</returns>
    internal Tensor ToPadded(Tensor packed)
    {
        long[] shape = [Count, MaxLength, .. packed.shape.AsSpan(1)];
        return Pad is null ? packed.view(shape) : packed.index_select(0, Pad).view(shape);
    }

    /// <summary>Gathers the padded layout back to packed rows.</summary>
    /// <param name="padded"><c>[B, T, …]</c>.</param>
    /// <returns><c>[N, …]</c>.</returns>
    internal Tensor ToPacked(Tensor padded)
    {
        long[] shape = [Count * MaxLength, .. padded.shape.AsSpan(2)];
        var flat = padded.reshape(shape);
        return Unpad is null ? flat : flat.index_select(0, Unpad);
    }

    private Tensor MakeWindow(int window)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        if (Mask is null)
        {
            return ones([1, 1, MaxLength, MaxLength], dtype: ScalarType.Bool, device: Tokens.device).tril().triu(1 - window)
                .DetachFromDisposeScope();
        }

        // In a tree the position is the depth, and what stands beyond a tree's end sees itself alone.
        var depth = ToPadded(Positions);                                                    // [B, T]
        var near = (depth.unsqueeze(2) - depth.unsqueeze(1)).lt(Scalars.Of(window));        // [B, T, T]
        return Mask.logical_and(near.unsqueeze(1)).DetachFromDisposeScope();
    }

    private static Tensor Make(long[] values, Device? device) => Upload.Of(values, device).DetachFromDisposeScope();

    private static long[] PadIndex(int[] lengths, int[] offsets, int longest)
    {
        var index = new long[lengths.Length * longest];
        for (int b = 0; b < lengths.Length; b++)
        {
            for (int t = 0; t < longest; t++)
            {
                index[b * longest + t] = offsets[b] + (t < lengths[b] ? t : 0);
            }
        }

        return index;
    }

    private static long[] UnpadIndex(int[] lengths, int[] offsets, int longest, int total)
    {
        var index = new long[total];
        for (int b = 0; b < lengths.Length; b++)
        {
            for (int t = 0; t < lengths[b]; t++)
            {
                index[offsets[b] + t] = b * longest + t;
            }
        }

        return index;
    }

    private static Tensor MakeMask(IReadOnlyList<TokenTree> trees, int longest, Device? device)
    {
        var mask = new bool[(long)trees.Count * longest * longest];
        for (int b = 0; b < trees.Count; b++)
        {
            var block = mask.AsSpan(b * longest * longest, longest * longest);
            for (int i = 0; i < longest; i++)
            {
                var row = block.Slice(i * longest, longest);
                if (i < trees[b].Tokens.Count)
                {
                    int parent = trees[b].Parents?[i] ?? i - 1;
                    if (parent >= 0)
                    {
                        block.Slice(parent * longest, longest).CopyTo(row);         // what the parent sees, its children see
                    }
                }

                row[i] = true;
            }
        }

        return Upload.Of(mask, [trees.Count, 1, longest, longest], device).DetachFromDisposeScope();
    }
}
