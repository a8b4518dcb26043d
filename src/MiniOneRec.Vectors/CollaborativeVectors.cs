using System.Runtime.InteropServices;
using MiniOneRec.Tensors;

namespace MiniOneRec.Vectors;

/// <summary>Makes vectors of behaviour alone: items that occur with the same others in users' sequences get similar vectors.</summary>
/// <remarks>
/// Levy and Goldberg, <em>Neural word embedding as implicit matrix factorization</em> (2014), with the context smoothing and the powers of
/// singular values and the added contexts of Levy, Goldberg and Dagan (2015), section 3. With #(i, j) the number of times that i and j
/// stand at most <c>Window</c> steps apart, <c>M(i, j) = max(0, ln(#(i, j) · Σ #(c)^α / (#(i) · #(j)^α)) − ln k)</c>, the truncated
/// decomposition <c>M ≈ U Σ Vᵀ</c>, and the vector of i is row i of <c>(U + V) Σ^p</c>: U says in which contexts i occurs, V of which items
/// i is a context. Departures: an item is no context of itself, and the contexts are counted without regard to their distance.
/// </remarks>
public static class CollaborativeVectors
{
    /// <summary>Makes the vectors.</summary>
    /// <param name="sequences">Users' sequences, oldest item first; training sequences only where a model is evaluated afterwards.</param>
    /// <param name="itemIds">
    /// The catalogue, ids unique; by default the items of the sequences in the order of their first appearance.
    /// </param>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="name">The source's name.</param>
    /// <param name="cancellationToken">Stops between steps.</param>
    /// <returns>
    /// Vectors of at most <c>Width</c> dimensions, fewer where the matrix has a lower rank. An item is missing where it occurs too rarely
    /// or is associated with no other.
    /// </returns>
    /// <exception cref="ArgumentException">No items, an id twice, or no two items that are associated.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public static Task<VectorSource> BuildAsync(
        IReadOnlyList<UserSequence> sequences,
        IReadOnlyList<string>? itemIds = null,
        CollaborativeVectorsOptions? options = null,
        string name = "collaborative",
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(sequences);
        VectorSource.CheckName(name);
        options = OptionsValidation.Validated(options ?? new(), new CollaborativeVectorsOptionsValidator());
        var rows = new ItemRows(itemIds ?? [.. sequences.SelectMany(sequence => sequence.ItemIds).Distinct(StringComparer.Ordinal)]);
        return TorchThread.RunAsync("MiniOneRec vectors", () => Build(sequences, rows, options, name, cancellationToken));
    }

    private static VectorSource Build(
        IReadOnlyList<UserSequence> sequences, ItemRows rows, CollaborativeVectorsOptions options, string name,
        CancellationToken cancellationToken)
    {
        var matrix = Associations(CountPairs(sequences, rows, options, cancellationToken), options);
        bool[] present = [.. Enumerable.Range(0, matrix.Rows).Select(row => matrix.Starts[row + 1] > matrix.Starts[row])];
        if (!present.Contains(true))
        {
            throw new ArgumentException(
                $"No two of the {matrix.Rows} items are associated: no sequence holds two items within "
                + $"{options.Window} steps that both occur "
                + $"{options.MinCount} times, or no PMI is above ln {options.Shift}.", nameof(sequences));
        }

        var (contexts, sizes) = TruncatedSvd.RightVectors(matrix, options.Width, options.Seed, cancellationToken);    // V
        float[] items = matrix.Multiply(contexts, sizes.Length);                                // M V = U Σ
        for (int i = 0; i < items.Length; i++)
        {
            float size = sizes[i % sizes.Length];
            float own = items[i] / size;                                                                            // U
            items[i] = (options.AddContexts ? own + contexts[i] : own) * (float)Math.Pow(size, options.SingularValuePower);
        }

        return new VectorSource(name, rows, sizes.Length, items, present);
    }

    /// <summary>Counts how often j occurs within the window of i, for each i; symmetric.</summary>
    private static Dictionary<int, double>[] CountPairs(
        IReadOnlyList<UserSequence> sequences, ItemRows rows, CollaborativeVectorsOptions options, CancellationToken cancellationToken)
    {
        int[][] known = [.. sequences.Select(sequence => sequence.ItemIds.Select(rows.Find).ToArray())];    // -1: not in the catalogue
        long[] occurrences = new long[rows.Ids.Count];
        foreach (int row in known.SelectMany(sequence => sequence).Where(row => row >= 0))
        {
            occurrences[row]++;
        }

        Dictionary<int, double>[] pairs = [.. occurrences.Select(_ => new Dictionary<int, double>())];
        foreach (int[] sequence in known)
        {
            cancellationToken.ThrowIfCancellationRequested();
            for (int at = 0; at < sequence.Length; at++)
            {
                for (int other = Math.Max(0, at - options.Window); other < at; other++)
                {
                    var (a, b) = (sequence[other], sequence[at]);
                    if (a >= 0 && b >= 0 && a != b && occurrences[a] >= options.MinCount && occurrences[b] >= options.MinCount)
                    {
                        CollectionsMarshal.GetValueRefOrAddDefault(pairs[a], b, out _)++;
                        CollectionsMarshal.GetValueRefOrAddDefault(pairs[b], a, out _)++;
                    }
                }
            }
        }

        return pairs;
    }

    /// <summary>Turns counts into shifted positive PMI.</summary>
    private static SparseMatrix Associations(Dictionary<int, double>[] pairs, CollaborativeVectorsOptions options)
    {
        double[] counts = [.. pairs.Select(row => row.Values.Sum())];                       // #(i)
        double[] smooth = [.. counts.Select(count => count > 0 ? Math.Pow(count, options.SmoothingPower) : 0)];
        double logTotal = Math.Log(smooth.Sum()), logShift = Math.Log(options.Shift);
        int[] starts = new int[pairs.Length + 1];
        var columns = new List<int>();
        var values = new List<float>();
        for (int row = 0; row < pairs.Length; row++)
        {
            foreach (var (column, count) in pairs[row].OrderBy(pair => pair.Key))
            {
                double value = Math.Log(count) + logTotal - Math.Log(counts[row]) - Math.Log(smooth[column]) - logShift;
                if (value > 0)
                {
                    columns.Add(column);
                    values.Add((float)value);
                }
            }

            starts[row + 1] = columns.Count;
        }

        return new SparseMatrix(pairs.Length, pairs.Length, starts, [.. columns], [.. values]);
    }
}
