using MiniOneRec.Tensors;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>Where labels are predicted and what they are, on the device.</summary>
internal sealed class LabelSet : IDisposable
{
    private readonly Tensor? _softRows;
    private readonly Tensor? _softTokens;
    private readonly Tensor? _softShares;
    private readonly int[] _softStarts = [];

    /// <param name="positions">The packed token at which each label is predicted.</param>
    /// <param name="targets">Each label's token.</param>
    /// <param name="soft">Labels of which a part belongs to other tokens, by rising label.</param>
    /// <param name="device">Where the tensors live.</param>
    public LabelSet(long[] positions, long[] targets, IReadOnlyList<(int Label, SoftLabel Value)> soft, Device device)
    {
        Positions = Make(Upload.Of(positions, device));
        Targets = Make(Upload.Of(targets, device));
        if (soft.Count == 0)
        {
            return;
        }

        // Sorted by label, so that a chunk of labels is a range.
        long[] rows = [.. soft.SelectMany(label => Enumerable.Repeat((long)label.Label, label.Value.Tokens.Length))];
        long[] tokens = [.. soft.SelectMany(label => label.Value.Tokens.Select(token => (long)token))];
        float[] shares = [.. soft.SelectMany(label => label.Value.Shares)];
        float[] own = new float[targets.Length];
        Array.Fill(own, 1);
        _softStarts = new int[targets.Length + 1];
        for (int i = 0; i < rows.Length; i++)
        {
            own[rows[i]] -= shares[i];
            _softStarts[rows[i] + 1]++;
        }

        for (int i = 0; i < targets.Length; i++)
        {
            _softStarts[i + 1] += _softStarts[i];
        }

        (_softRows, _softTokens, _softShares) =
            (Make(Upload.Of(rows, device)), Make(Upload.Of(tokens, device)), Make(Upload.Of(shares, [shares.Length], device)));
        OwnShares = Make(Upload.Of(own, [own.Length], device));
    }

    /// <summary>Gets the packed token at which each label is predicted, <c>[M]</c> int64.</summary>
    public Tensor Positions { get; }

    /// <summary>Gets each label's token, <c>[M]</c> int64.</summary>
    public Tensor Targets { get; }

    /// <summary>Gets the share of the probability that is the label's own, <c>[M]</c> float32, or <see langword="null"/> where all
    /// is.</summary>
    public Tensor? OwnShares { get; }

    /// <summary>Gets what belongs to other tokens among a range of labels: label within the range, token and share, <c>[S]</c>
    /// each.</summary>
    public (Tensor Rows, Tensor Tokens, Tensor Shares) Soft(long start, long count)
    {
        long first = _softStarts[start], length = _softStarts[start + count] - first;
        return (_softRows!.narrow(0, first, length) - Scalars.Of(start), _softTokens!.narrow(0, first, length),
            _softShares!.narrow(0, first, length));
    }

    public void Dispose()
    {
        Positions.Dispose();
        Targets.Dispose();
        OwnShares?.Dispose();
        _softRows?.Dispose();
        _softTokens?.Dispose();
        _softShares?.Dispose();
    }

    private static Tensor Make(Tensor value) => value.DetachFromDisposeScope();
}
