using MiniOneRec.Modeling;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Pretrained;

/// <summary>New rows from the text of the items under a code: a token begins where its items' words are.</summary>
/// <remarks>
/// A code's vector is the mean over its items of the mean row of the item's text tokens. Means of many rows lie close together, so each
/// level is stretched about its mean to the spread of the known rows. Codes without items are drawn like <see cref="NormalRows"/>.
/// </remarks>
/// <param name="index">Which items lie under which code.</param>
/// <param name="texts">Text by item id; items without text are left out.</param>
/// <param name="tokenizer">The tokenizer of the model.</param>
public sealed class ItemTextRows(SemanticIdIndex index, IReadOnlyDictionary<string, string> texts, ITextTokenizer tokenizer)
    : TokenRowInitializer
{
    /// <inheritdoc/>
    public override Tensor MakeRows(Tensor known, SemanticIdVocabulary vocabulary, Generator generator)
    {
        ArgumentNullException.ThrowIfNull(known);
        ArgumentNullException.ThrowIfNull(vocabulary);

        using var scope = NewDisposeScope();
        var mean = Mean(known);                                                             // [D]
        double spread = Spread(known, mean);
        var rows = new NormalRows().MakeRows(known, vocabulary, generator);                 // [R, D]
        var (vectors, items) = ItemVectors(known);                                          // [M, D]
        if (items.Length == 0)
        {
            return rows.MoveToOuterDisposeScope();
        }

        long first = 0;
        for (int level = 0; level < vocabulary.Depth; level++)
        {
            long[] rowOfCode = RowsOf(vocabulary.TokensOf(level), ref first);
            FillLevel(rows, vectors, [.. items.Select(item => RowOf(index.SemanticIds[item], level, rowOfCode))], mean, spread);
        }

        return rows.MoveToOuterDisposeScope();
    }

    private static void FillLevel(Tensor rows, Tensor vectors, long[] rowOfItem, Tensor mean, double spread)
    {
        using var scope = NewDisposeScope();
        long[] used = [.. Enumerable.Range(0, rowOfItem.Length).Where(i => rowOfItem[i] >= 0).Select(i => (long)i)];
        long[] targets = [.. rowOfItem.Where(row => row >= 0).Distinct().Order()];
        if (targets.Length == 0)
        {
            return;
        }

        var device = rows.device;
        var slot = targets.Index().ToDictionary(entry => entry.Item, entry => (long)entry.Index);
        var slots = tensor(used.Select(i => slot[rowOfItem[i]]).ToArray(), device: device);
        var sums = zeros(targets.Length, rows.size(1), device: device)
            .index_add_(0, slots, vectors.index_select(0, tensor(used, device: device)), Scalars.Of(1));
        var counts = zeros(targets.Length, device: device).index_add_(0, slots, ones(used.Length, device: device), Scalars.Of(1));
        var centres = sums / counts.unsqueeze(1);                                           // [codes in use, D]
        var centred = centres - centres.mean([0], keepdim: true);
        double own = centred.pow(Scalars.Of(2)).sum().item<float>() / targets.Length;
        var made = own > 0 ? mean.Plus(centred * Scalars.Of(Math.Sqrt(spread / own))) : centres;
        rows.index_copy_(0, tensor(targets, device: device), made);
    }

    private (Tensor Vectors, int[] Items) ItemVectors(Tensor known)
    {
        using var scope = NewDisposeScope();
        var items = new List<int>();
        var vectors = new List<Tensor>();
        for (int row = 0; row < index.Count; row++)
        {
            if (texts.TryGetValue(index.Items[row], out string? text))
            {
                long[] tokens = [.. tokenizer.Encode(text).Where(token => token < known.size(0)).Select(token => (long)token)];
                if (tokens.Length > 0)
                {
                    using var selected = known.index_select(0, tensor(tokens, device: known.device)).to_type(ScalarType.Float32);
                    vectors.Add(selected.mean([0]));
                    items.Add(row);
                }
            }
        }

        return (items.Count == 0 ? zeros(0, known.size(1)).MoveToOuterDisposeScope() : stack(vectors).MoveToOuterDisposeScope(),
            [.. items]);
    }

    private static long[] RowsOf(ReadOnlySpan<int> tokens, ref long first)
    {
        var rows = new long[tokens.Length];
        for (int code = 0; code < rows.Length; code++)
        {
            rows[code] = tokens[code] >= 0 ? first++ : -1;
        }

        return rows;
    }

    private static long RowOf(SemanticId id, int level, long[] rowOfCode) => level < id.Depth && id[level] < rowOfCode.Length
        ? rowOfCode[id[level]] : -1;
}
