using System.Globalization;
using Microsoft.Extensions.AI;
using MiniOneRec.Datasets;
using MiniOneRec.Modeling;
using MiniOneRec.Tokenization;
using MiniOneRec.Vectors;

namespace MiniOneRec.Recipes;

/// <summary>Makes the items' vectors once, when a stage asks for them: from a file, from their text, or from behaviour.</summary>
internal sealed class VectorStage(RecipeOptions options, IEmbeddingGenerator<string, Embedding<float>>? encoder, StageRunner stages,
    RecipeJournal journal)
{
    // Wider than the vectors that semantic IDs are learned from: the dense head ranks by them, and no quantizer has to find groups in them.
    private const int ContentWidth = 128;

    private Task<EmbeddingTable?>? _text;
    private VectorSource? _source;

    /// <summary>Gets whether the vectors of the items' text are those of a file or of an encoder that was given, which the model reads
    /// alone. Counted terms it reads beside behaviour.</summary>
    public bool AreGiven => options.Embeddings is not null || encoder is not null;

    /// <summary>
    /// Gets the vectors that the model reads: of the file or the encoder; without them counted terms of the text, where items have some,
    /// beside behaviour in training; or <see langword="null"/> where there are none.
    /// </summary>
    public async Task<ItemContent?> ForModelAsync(SplitDataset data, CancellationToken cancellationToken)
    {
        var text = await TextAsync(data, cancellationToken).ConfigureAwait(false);
        if (AreGiven && text is not null)
        {
            return Content(text);
        }

        var behaviour = await BehaviourAsync(data, text is not null, cancellationToken).ConfigureAwait(false);
        return text is not null && behaviour is not null ? Content(SideBySide(text, behaviour))
            : text is not null ? Content(text)
            : behaviour is not null ? Content(behaviour.FillMissing(), behaviour) : null;
    }

    private static ItemContent Content(VectorSource source, VectorSource? known = null) => new(
        source.ItemIds, source.Width, source.Values.Span, [.. Enumerable.Range(0, source.Count).Select((known ?? source).Has)]);

    private async Task<VectorSource?> BehaviourAsync(SplitDataset data, bool hasText, CancellationToken cancellationToken)
    {
        try
        {
            var vectors = await CollaborativeVectors.BuildAsync(data.TrainSequences, data.ItemIds,
                new() { Width = ContentWidth, Seed = options.Seed }, cancellationToken: cancellationToken).ConfigureAwait(false);
            stages.Say(hasText
                ? "The model reads counted terms of the items' text beside vectors of what users took together."
                : "The items have no text: the model reads vectors of what users took together.");
            return vectors;
        }
        catch (ArgumentException e)
        {
            stages.Say(hasText
                ? $"The items' behaviour gives no vectors ({e.Message}): the model reads counted terms of their text alone."
                : $"The items have no text, and their behaviour gives no vectors ({e.Message}): the model reads their codes alone.");
            return null;
        }
    }

    // Both at length 1, so that the cosine of two items is the mean of their cosines by text and by behaviour. What an item lacks is 0.
    private static VectorSource SideBySide(VectorSource text, VectorSource behaviour)
    {
        int width = text.Width + behaviour.Width;
        float[] values = new float[checked(text.Count * width)];
        foreach (var (source, at) in new[] { (text.Normalise(), 0), (behaviour.Normalise(), text.Width) })
        {
            for (int row = 0; row < source.Count; row++)
            {
                if (source.Has(row))
                {
                    source[row].CopyTo(values.AsSpan(row * width + at));
                }
            }
        }

        return new VectorSource("text-behaviour", text.ItemIds, width, values,
            [.. Enumerable.Range(0, text.Count).Select(row => text.Has(row) || behaviour.Has(row))]);
    }

    /// <summary>
    /// Gets vectors of the items' text, rows in catalogue order, or <see langword="null"/> where there is neither a file nor text.
    /// </summary>
    public async Task<VectorSource?> TextAsync(SplitDataset data, CancellationToken cancellationToken)
    {
        if (_source is null && await TableAsync(data, cancellationToken).ConfigureAwait(false) is { } table)
        {
            bool[] present = Known(table);
            _source = present.Contains(true) ? new VectorSource("text", data.ItemIds, table.Width, table.Values.ToArray(), present) : null;
        }

        return _source;
    }

    /// <summary>Gets a vector for every item to learn semantic IDs from: of its text, else of behaviour in training.</summary>
    /// <exception cref="InvalidDataException">There is no file and no text, and no two items occur together.</exception>
    public async Task<EmbeddingTable> ForIndexAsync(SplitDataset data, CancellationToken cancellationToken)
    {
        if (await TableAsync(data, cancellationToken).ConfigureAwait(false) is { } table)
        {
            return table;
        }

        stages.Say("The items have no text: semantic IDs are learned from what users took together.");
        try
        {
            return await stages.RunAsync("collaborative vectors", async _ =>
            {
                var vectors = await CollaborativeVectors.BuildAsync(
                    data.TrainSequences, data.ItemIds, new() { Seed = options.Seed }, cancellationToken: cancellationToken)
                    .ConfigureAwait(false);
                if (!vectors.IsComplete)
                {
                    stages.Say(string.Create(CultureInfo.InvariantCulture,
                        $"{vectors.Count - vectors.PresentCount:N0} of {vectors.Count:N0} items occur with no other in training; "
                        + $"they get places at random."));
                }

                return Scattered(vectors);
            }).ConfigureAwait(false);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException(
                $"The items of '{data.Name}' have no text to learn semantic IDs from, and their behaviour gives none ({e.Message}); "
                + "give semantic IDs, item texts or vectors (--index, --items or --embeddings).", e);
        }
    }

    // An item that nobody took with another has no neighbours. One vector for all of them would give them one code.
    private EmbeddingTable Scattered(VectorSource vectors)
    {
        float[] values = vectors.FillMissing().Values.ToArray();
        double squares = 0;
        for (int row = 0; row < vectors.Count; row++)
        {
            for (int i = 0; vectors.Has(row) && i < vectors.Width; i++)
            {
                squares += vectors[row][i] * (double)vectors[row][i];
            }
        }

        double deviation = Math.Sqrt(squares / Math.Max(1, (long)vectors.PresentCount * vectors.Width));
        var random = new Random(options.Seed);
        for (int row = 0; row < vectors.Count; row++)
        {
            if (!vectors.Has(row))
            {
                AddNoise(values.AsSpan(row * vectors.Width, vectors.Width), deviation, random);
            }
        }

        return new EmbeddingTable(vectors.Count, vectors.Width, values);
    }

    /// <summary>Moves all vectors by a hundredth of their usual size, at random, so that no two are equal.</summary>
    public static EmbeddingTable Apart(EmbeddingTable vectors, int seed)
    {
        float[] values = vectors.Values.ToArray();
        double deviation = 0.01 * Math.Sqrt(values.Sum(value => value * (double)value) / Math.Max(1, values.Length));
        AddNoise(values, deviation, new Random(seed));
        return new EmbeddingTable(vectors.Count, vectors.Width, values);
    }

    // Box and Muller (1958).
    private static void AddNoise(Span<float> values, double deviation, Random random)
    {
        foreach (ref float value in values)
        {
            double radius = Math.Sqrt(-2 * Math.Log(1 - random.NextDouble()));
            value += (float)(deviation * radius * Math.Cos(Math.Tau * random.NextDouble()));
        }
    }

    /// <summary>Gets the vectors of the file or of the text for every item, rows in catalogue order, or <see langword="null"/> where there
    /// is neither.</summary>
    public Task<EmbeddingTable?> TableAsync(SplitDataset data, CancellationToken cancellationToken) =>
        _text ??= MakeAsync(data, cancellationToken);

    private async Task<EmbeddingTable?> MakeAsync(SplitDataset data, CancellationToken cancellationToken)
    {
        if (options.Embeddings is { } file)
        {
            string ids = Path.ChangeExtension(file, ".ids.txt");
            if (!File.Exists(ids))
            {
                return await EmbeddingTable.LoadAsync(file, expectedCount: data.Items.Count, cancellationToken: cancellationToken)
                    .ConfigureAwait(false);
            }

            var listed = await VectorSource.LoadAsync(file, ids, cancellationToken: cancellationToken).ConfigureAwait(false);
            return EmbeddingTable.Of(listed.AlignTo(data.ItemIds).FillMissing());
        }

        if (!HasText(data))
        {
            return null;
        }

        const string Stage = "embeddings";
        string path = Path.Combine(options.Output, "embeddings.npy");
        if (journal.Has(Stage))
        {
            return await EmbeddingTable.LoadAsync(path, expectedCount: data.Items.Count, cancellationToken: cancellationToken)
                .ConfigureAwait(false);
        }

        var shared = new MiniOneRecOptions { Device = options.Device, Seed = options.Seed };
        using var own = encoder is null ? new TfIdfEncoder(shared: shared) : null;
        using var quantizer = new RqKMeansQuantizer();          // the tokenizer encodes here and fits nothing
        var tokenizer = new SemanticIdTokenizer(encoder ?? own!, quantizer);
        var table = await stages.RunAsync(Stage, progress => tokenizer.EncodeTextAsync(data.Items, progress, cancellationToken))
            .ConfigureAwait(false);

        // Work that is done is kept although the run is being stopped.
        await table.SaveAsync(path, CancellationToken.None).ConfigureAwait(false);
        if (own is not null)
        {
            // New items are encoded by the same fit.
            await own.SaveAsync(Path.Combine(options.Output, "index", "encoder"), overwrite: true, CancellationToken.None)
                .ConfigureAwait(false);
        }

        await journal.FinishAsync(Stage, CancellationToken.None).ConfigureAwait(false);
        return table;
    }

    // A zero vector says nothing of its item, such as one without any known term.
    private static bool[] Known(EmbeddingTable table) =>
        [.. Enumerable.Range(0, table.Count).Select(row => table[row].ContainsAnyExcept(0f))];

    private static bool HasText(SplitDataset data) => data.Items.Any(item => !string.IsNullOrWhiteSpace(ItemText.Describe(item)));
}
