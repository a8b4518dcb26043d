using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Gives items with equal codes semantic IDs of their own, without touching any code above the last level.</summary>
/// <remarks>
/// An item that has no rival always keeps its code. Among rivals, <see cref="CollisionPolicy.NearestFreeSibling"/> minimises the sum of
/// squared distances per prefix, exactly. Items with identical vectors are told apart, in the order of their keys, by every policy but
/// <see cref="CollisionPolicy.Keep"/>. Safe for concurrent use.
/// </remarks>
public sealed class CollisionResolver
{
    private const int RowsAtOnce = 16_384;
    private readonly CollisionOptions _options;

    /// <summary>Makes a resolver.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public CollisionResolver(CollisionOptions? options = null) =>
        _options = OptionsValidation.Validated(options ?? new CollisionOptions(), new CollisionOptionsValidator());

    /// <summary>Resolves the collisions of a catalogue.</summary>
    /// <param name="quantizer">The quantizer that chose the codes.</param>
    /// <param name="embeddings">The vectors, <c>[N, E]</c>.</param>
    /// <param name="codes">Their codes, <c>[N, L]</c>.</param>
    /// <param name="keys">What orders items that are alike, usually their ids, or <see langword="null"/> for row order.</param>
    /// <param name="taken">Semantic IDs that belong to others already, or <see langword="null"/> for none.</param>
    /// <param name="cancellationToken">Looked at between groups.</param>
    /// <exception cref="ArgumentException">The tables do not fit together.</exception>
    /// <exception cref="CrowdedPrefixException">A prefix has more items than codes; the message names the policy that works.</exception>
    public CollisionResolution Resolve(
        IQuantizer quantizer,
        EmbeddingTable embeddings,
        CodeTable codes,
        IReadOnlyList<string>? keys = null,
        IReadOnlyCollection<SemanticId>? taken = null,
        CancellationToken cancellationToken = default) => Resolve(quantizer, embeddings, codes, keys, taken, null, cancellationToken);

    /// <summary>Resolves collisions; rows for which there is no room go to <paramref name="overflow"/> where there is one.</summary>
    internal CollisionResolution Resolve(
        IQuantizer quantizer,
        EmbeddingTable embeddings,
        CodeTable codes,
        IReadOnlyList<string>? keys,
        IReadOnlyCollection<SemanticId>? taken,
        CollisionOverflow? overflow,
        CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(quantizer);
        ArgumentNullException.ThrowIfNull(embeddings);
        ArgumentNullException.ThrowIfNull(codes);
        if (embeddings.Count != codes.Count || (keys is not null && keys.Count != codes.Count))
        {
            throw new ArgumentException(
                $"There are {embeddings.Count} vectors, {codes.Count} rows of codes and {keys?.Count.ToString(null, null) ?? "no"} keys.",
                nameof(codes));
        }

        codes.CheckWithin(quantizer.LevelSizes);
        var nearest = new SemanticId[codes.Count];
        for (int row = 0; row < nearest.Length; row++)
        {
            nearest[row] = new SemanticId(codes[row]);
        }

        var groups = nearest.CountBy(id => id).Where(group => group.Value > 1).ToArray();
        var chosen = (SemanticId[])nearest.Clone();
        IReadOnlyList<int> levelSizes = quantizer.LevelSizes;
        IReadOnlyList<MovedItem> moved = [];
        switch (_options.Policy)
        {
            case CollisionPolicy.NearestFreeSibling or CollisionPolicy.Sinkhorn:
                moved = MoveToSiblings(quantizer, embeddings, codes, keys, taken ?? [], chosen, overflow, cancellationToken);
                break;
            case CollisionPolicy.ExtraLevel:
                (levelSizes, moved) =
                    ExtraLevel.Append(nearest, chosen, quantizer.LevelSizes, _options.ExtraLevelSize, keys, taken ?? [], overflow);
                break;
        }

        return new CollisionResolution(chosen, levelSizes, groups.Length, groups.Sum(group => group.Value), moved)
        {
            Identical = groups.Length == 0 ? 0 : new IdenticalVectors(embeddings).Count(nearest),
        };
    }

    private List<MovedItem> MoveToSiblings(
        IQuantizer quantizer,
        EmbeddingTable embeddings,
        CodeTable codes,
        IReadOnlyList<string>? keys,
        IReadOnlyCollection<SemanticId> taken,
        SemanticId[] chosen,
        CollisionOverflow? overflow,
        CancellationToken cancellationToken)
    {
        int last = codes.Depth - 1, size = quantizer.LevelSizes[last];
        var moved = new List<MovedItem>();
        double[]? plan = null;
        foreach (var batch in Batches(PrefixGroup.Find(codes, size, taken, keys)))
        {
            plan ??= _options.Policy == CollisionPolicy.Sinkhorn ? PlanCosts(quantizer, embeddings, codes, keys) : [];
            int[] rows = [.. batch.SelectMany(group => group.Contested)];
            float[] distances = quantizer.Distances(embeddings.Select(rows), codes.Select(rows), last);
            int offset = 0;
            foreach (var group in batch)
            {
                cancellationToken.ThrowIfCancellationRequested();
                if (overflow is null && group.Contested.Length > group.Free.Length)
                {
                    throw new CrowdedPrefixException(
                        $"{group.Contested.Length} items want codes under the prefix of {chosen[group.Contested[0]]}, "
                        + $"where {group.Free.Length} of {size} are free. "
                        + $"Use {nameof(CollisionPolicy)}.{nameof(CollisionPolicy.ExtraLevel)}, or a larger last level.");
                }

                int[] columns = Assign(Costs(group, plan, distances, offset, size), group.Contested.Length, group.Free.Length);
                for (int i = 0; i < columns.Length; i++)
                {
                    if (columns[i] < 0)
                    {
                        overflow!.Rows.Add(group.Contested[i]);
                        continue;
                    }

                    int row = group.Contested[i], code = group.Free[columns[i]], wanted = codes[row, last];
                    if (code != wanted)
                    {
                        var id = new SemanticId([.. codes[row][..last], code]);
                        moved.Add(new MovedItem(row, chosen[row], id, distances[(offset + i) * size + wanted],
                            distances[(offset + i) * size + code]));
                        chosen[row] = id;
                    }
                }

                offset += group.Contested.Length;
            }
        }

        moved.Sort((a, b) => a.Row.CompareTo(b.Row));
        return moved;
    }

    /// <summary>Gives each row a column of its own, or −1 to the rows that are left over where columns are fewer; the total cost is
    /// least.</summary>
    private static int[] Assign(double[] costs, int rows, int columns)
    {
        if (rows <= columns)
        {
            return LinearAssignment.Solve(costs, rows, columns);
        }

        double[] turned = new double[costs.Length];
        for (int row = 0; row < rows; row++)
        {
            for (int column = 0; column < columns; column++)
            {
                turned[column * rows + row] = costs[row * columns + column];
            }
        }

        int[] assigned = new int[rows], rowOf = columns == 0 ? [] : LinearAssignment.Solve(turned, columns, rows);
        Array.Fill(assigned, -1);
        for (int column = 0; column < columns; column++)
        {
            assigned[rowOf[column]] = column;
        }

        return assigned;
    }

    private static double[] Costs(PrefixGroup group, double[] plan, float[] distances, int offset, int size)
    {
        double[] costs = new double[group.Contested.Length * group.Free.Length];
        for (int i = 0; i < group.Contested.Length; i++)
        {
            for (int j = 0; j < group.Free.Length; j++)
            {
                costs[i * group.Free.Length + j] = plan.Length > 0
                    ? plan[group.Contested[i] * size + group.Free[j]]
                    : distances[(offset + i) * size + group.Free[j]];
            }
        }

        return costs;
    }

    /// <summary>−ln of the transport plan between all rows and all codes of the level, computed in the order of the keys: sums depend on it
    /// in their last bits.</summary>
    private double[] PlanCosts(IQuantizer quantizer, EmbeddingTable embeddings, CodeTable codes, IReadOnlyList<string>? keys)
    {
        int last = codes.Depth - 1, size = quantizer.LevelSizes[last];
        int[] order = [.. Enumerable.Range(0, codes.Count)];
        if (keys is not null)
        {
            Array.Sort(order, (a, b) => string.CompareOrdinal(keys[a], keys[b]) is var key and not 0 ? key : a.CompareTo(b));
        }

        using var _ = no_grad();
        using var scope = NewDisposeScope();
        float[] distances = quantizer.Distances(embeddings.Select(order), codes.Select(order), last);
        var plan = SinkhornKnopp.Plan(tensor(distances).view(-1, size), _options.SinkhornEpsilon, _options.SinkhornIterations);
        var ordered = plan.clamp_min_(Scalars.Of(double.Epsilon)).log_().neg_().data<double>();
        double[] costs = new double[ordered.Count];
        for (int i = 0; i < order.Length; i++)
        {
            for (int code = 0; code < size; code++)
            {
                costs[order[i] * size + code] = ordered[i * size + code];
            }
        }

        return costs;
    }

    private static IEnumerable<IReadOnlyList<PrefixGroup>> Batches(IEnumerable<PrefixGroup> groups)
    {
        var batch = new List<PrefixGroup>();
        int rows = 0;
        foreach (var group in groups)
        {
            batch.Add(group);
            rows += group.Contested.Length;
            if (rows >= RowsAtOnce)
            {
                yield return batch;
                (batch, rows) = ([], 0);
            }
        }

        if (batch.Count > 0)
        {
            yield return batch;
        }
    }
}

/// <summary>Takes the rows for which a resolver finds no room, in place of an exception.</summary>
/// <param name="Rows">Receives the rows.</param>
/// <param name="ExtraLevelSize">The codes that an extra level may have; it does not grow.</param>
internal sealed record CollisionOverflow(List<int> Rows, int ExtraLevelSize);
