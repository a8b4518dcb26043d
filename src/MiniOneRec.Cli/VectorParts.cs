using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;
using MiniOneRec.Cli.Settings;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Cli;

/// <summary>Text vectors in parts, each written by a process of its own: <c>vectors-I-of-N.npy</c> with the ids of its rows.</summary>
internal static partial class VectorParts
{
    /// <summary>Encodes one part of the items. TF-IDF is fitted on all texts first, which gives every process the same encoder.</summary>
    /// <returns>The file of the vectors.</returns>
    public static async Task<string> WriteAsync(
        string folder, Shard shard, IReadOnlyList<Item> items, IEmbeddingGenerator<string, Embedding<float>> encoder,
        IProgress<TrainingProgress> progress, CancellationToken cancellationToken)
    {
        if (encoder is IFittedEncoder { IsFitted: false } unfitted)
        {
            await unfitted.FitAsync([.. items.Select(ItemText.Describe)], cancellationToken);
        }

        Item[] part = [.. items.Where((_, row) => shard.Has(row))];
        if (part.Length == 0)
        {
            throw new ArgumentException($"--shard is {shard.Part}/{shard.Parts}; the catalogue has only {items.Count} items.");
        }

        using var quantizer = new RqKMeansQuantizer();          // the tokenizer encodes here and fits nothing
        var vectors = await new SemanticIdTokenizer(encoder, quantizer).EncodeTextAsync(part, progress, cancellationToken);
        string path = Path.Combine(Directory.CreateDirectory(folder).FullName,
            string.Create(CultureInfo.InvariantCulture, $"vectors-{shard.Part}-of-{shard.Parts}.npy"));
        await AtomicFile.WriteTextAsync(
            Path.ChangeExtension(path, ".ids.txt"), string.Concat(part.Select(item => item.Id + "\n")), cancellationToken);
        await vectors.SaveAsync(path, cancellationToken);
        return path;
    }

    /// <summary>Puts all parts of a folder together, rows in catalogue order.</summary>
    /// <exception cref="InvalidDataException">A part or an item is missing, or parts of several divisions lie there.</exception>
    public static async Task<EmbeddingTable> ReadAsync(string folder, IReadOnlyList<string> itemIds, CancellationToken cancellationToken)
    {
        var files = Directory.GetFiles(folder, "vectors-*-of-*.npy")
            .Select(file => (File: file, Match: Name().Match(Path.GetFileName(file))))
            .Where(file => file.Match.Success)
            .Select(file => (file.File, Part: Number(file.Match, "part"), Parts: Number(file.Match, "parts")))
            .OrderBy(file => file.Part).ToArray();
        int[] divisions = [.. files.Select(file => file.Parts).Distinct()];
        if (divisions.Length != 1)
        {
            throw new InvalidDataException(divisions.Length == 0
                ? $"Folder '{folder}' (--embeddings) holds no vectors-I-of-N.npy; "
                    + $"write the parts with index --shard I/N --output '{folder}'."
                : $"Folder '{folder}' (--embeddings) holds parts of {string.Join(" and of ", divisions)}; keep one division.");
        }

        if (Enumerable.Range(0, divisions[0]).Except(files.Select(file => file.Part)).ToArray() is { Length: > 0 } missing)
        {
            throw new InvalidDataException(
                $"Folder '{folder}' (--embeddings) lacks part {missing[0]}/{divisions[0]}; "
                + $"write it with index --shard {missing[0]}/{divisions[0]} --output '{folder}'.");
        }

        var ids = new List<string>();
        var values = new List<float>();
        int width = 0;
        foreach (var (file, _, _) in files)
        {
            var part = await VectorSource.LoadAsync(file, Path.ChangeExtension(file, ".ids.txt"), cancellationToken: cancellationToken);
            if (width > 0 && part.Width != width)
            {
                throw new InvalidDataException($"'{file}' has vectors of width {part.Width}; the other parts have {width}.");
            }

            width = part.Width;
            ids.AddRange(part.ItemIds);
            values.AddRange(part.Values.Span);
        }

        var all = new VectorSource("text", ids, width, [.. values]).AlignTo(itemIds);
        return all.MissingItems().FirstOrDefault() is { } item
            ? throw new InvalidDataException($"Folder '{folder}' (--embeddings) has no vector of item '{item}'; write the parts again.")
            : EmbeddingTable.Of(all);
    }

    private static int Number(Match match, string name) => int.Parse(match.Groups[name].Value, CultureInfo.InvariantCulture);

    [GeneratedRegex(@"^vectors-(?<part>[0-9]{1,9})-of-(?<parts>[0-9]{1,9})\.npy$")]
    private static partial Regex Name();
}
