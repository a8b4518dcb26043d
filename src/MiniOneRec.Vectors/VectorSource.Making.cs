using Microsoft.Extensions.AI;

namespace MiniOneRec.Vectors;

public sealed partial class VectorSource
{
    /// <summary>Encodes the text of items.</summary>
    /// <param name="items">The items, ids unique.</param>
    /// <param name="encoder">
    /// Turns text into vectors of one width; it must be ready, an encoder that is fitted to a catalogue is fitted by the caller.
    /// </param>
    /// <param name="text">
    /// Turns an item into its text, for example <c>ItemText.Describe</c> of MiniOneRec.Tokenization. An item whose text is blank has no
    /// vector.
    /// </param>
    /// <param name="name">The source's name.</param>
    /// <param name="batchSize">How many texts one call of the encoder gets.</param>
    /// <param name="progress">Told of the stage <c>text</c>.</param>
    /// <param name="cancellationToken">Stops between batches.</param>
    /// <exception cref="ArgumentException">No items, an id twice, or no item with text.</exception>
    /// <exception cref="InvalidOperationException">
    /// The encoder returns another number of vectors than texts, vectors that differ in width, or a number that is not finite.
    /// </exception>
    public static async Task<VectorSource> EncodeAsync(
        IReadOnlyList<Item> items,
        IEmbeddingGenerator<string, Embedding<float>> encoder,
        Func<Item, string> text,
        string name = "text",
        int batchSize = 256,
        IProgress<TrainingProgress>? progress = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        ArgumentNullException.ThrowIfNull(encoder);
        ArgumentNullException.ThrowIfNull(text);
        ArgumentOutOfRangeException.ThrowIfLessThan(batchSize, 1);
        CheckName(name);
        var rows = new ItemRows([.. items.Select(item => item.Id)]);
        string[] texts = [.. items.Select(text)];
        int[] written = [.. Enumerable.Range(0, texts.Length).Where(row => !string.IsNullOrWhiteSpace(texts[row]))];
        if (written.Length == 0)
        {
            throw new ArgumentException($"None of the {items.Count} items has text.", nameof(items));
        }

        float[]? values = null;
        bool[] present = new bool[texts.Length];
        int width = 0, done = 0;
        foreach (int[] batch in written.Chunk(batchSize))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var generated = await encoder.GenerateAsync([.. batch.Select(row => texts[row])], cancellationToken: cancellationToken)
                .ConfigureAwait(false);
            if (generated.Count != batch.Length)
            {
                throw new InvalidOperationException($"The encoder returned {generated.Count} vectors for {batch.Length} texts.");
            }

            for (int i = 0; i < batch.Length; i++)
            {
                var vector = generated[i].Vector;
                if (values is null)
                {
                    width = Math.Max(vector.Length, 1);
                    values = new float[checked(texts.Length * width)];
                }

                if (vector.Length != width)
                {
                    throw new InvalidOperationException(
                        $"The encoder's vector of item '{rows.Ids[batch[i]]}' has width {vector.Length}; those before it have {width}.");
                }

                vector.Span.CopyTo(values.AsSpan(batch[i] * width));
                present[batch[i]] = true;
            }

            done += batch.Length;
            progress?.Report(new TrainingProgress("text", done, written.Length));
        }

        try
        {
            return new VectorSource(name, rows, width, values!, present);
        }
        catch (ArgumentException e)
        {
            throw new InvalidOperationException($"The encoder's vectors cannot be used: {e.Message}", e);
        }
    }

    /// <summary>Reads the vectors of items from a NumPy <c>.npy</c> file of two dimensions and type float16, float32 or float64.</summary>
    /// <param name="path">The file, a row per item.</param>
    /// <param name="itemIds">The items' ids in the order of the rows.</param>
    /// <param name="name">The source's name.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is no such array, has another number of rows than there are ids, or holds a number that is not finite.
    /// </exception>
    /// <exception cref="ArgumentException">No ids, or an id twice.</exception>
    public static async Task<VectorSource> LoadAsync(
        string path, IReadOnlyList<string> itemIds, string name = "text", CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        CheckName(name);
        var rows = new ItemRows(itemIds);
        var (count, width, values) = await NpyFile.ReadAsync(path, cancellationToken).ConfigureAwait(false);
        if (count != rows.Ids.Count)
        {
            throw new InvalidDataException(
                $"Embedding file '{path}' has {count} rows; the catalogue has {rows.Ids.Count} items. "
                + "It is of another catalogue, or lacks the list of its ids.");
        }

        try
        {
            return new VectorSource(name, rows, width, values, null);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"Embedding file '{path}': {e.Message}", e);
        }
    }

    /// <summary>Reads the vectors of items from a NumPy file whose ids stand in a text file, one a line in the order of the rows.</summary>
    /// <param name="path">The <c>.npy</c> file.</param>
    /// <param name="idsPath">The text file.</param>
    /// <param name="name">The source's name.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">A file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// The array is not as expected, its rows and the ids differ in number, an id is empty or comes twice, or a number is not finite.
    /// </exception>
    public static async Task<VectorSource> LoadAsync(string path, string idsPath, string name = "text",
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(idsPath);
        string[] ids = await File.ReadAllLinesAsync(idsPath, cancellationToken).ConfigureAwait(false);
        try
        {
            _ = new ItemRows(ids);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"File of item ids '{idsPath}': {e.Message}", e);
        }

        return await LoadAsync(path, ids, name, cancellationToken).ConfigureAwait(false);
    }
}
