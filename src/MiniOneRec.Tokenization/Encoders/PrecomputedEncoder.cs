using Microsoft.Extensions.AI;

namespace MiniOneRec.Tokenization;

/// <summary>An encoder whose vectors were computed elsewhere, for example the <c>.npy</c> file of another program.</summary>
/// <remarks>
/// It knows the texts that it was given and no others. Where ids are at hand and no encoder is asked for, hand the table to
/// <see cref="SemanticIdTokenizer.BuildAsync(IReadOnlyList{string}, EmbeddingTable, IProgress{TrainingProgress}?, CancellationToken)"/>
/// instead. Safe for concurrent use.
/// </remarks>
public sealed class PrecomputedEncoder : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly EmbeddingTable _vectors;
    private readonly Dictionary<string, int> _rows = new(StringComparer.Ordinal);

    /// <summary>Makes an encoder.</summary>
    /// <param name="texts">The texts, one per row; of one that comes more than once the first row counts.</param>
    /// <param name="vectors">Their vectors, <c>[N, E]</c>.</param>
    /// <exception cref="ArgumentException">Texts and vectors differ in number.</exception>
    public PrecomputedEncoder(IReadOnlyList<string> texts, EmbeddingTable vectors)
    {
        ArgumentNullException.ThrowIfNull(texts);
        ArgumentNullException.ThrowIfNull(vectors);
        if (texts.Count != vectors.Count)
        {
            throw new ArgumentException($"There are {texts.Count} texts and {vectors.Count} vectors.", nameof(vectors));
        }

        _vectors = vectors;
        for (int row = 0; row < texts.Count; row++)
        {
            _rows.TryAdd(texts[row], row);
        }
    }

    /// <summary>Reads the vectors of items from a NumPy file.</summary>
    /// <param name="path">The <c>.npy</c> file, a row per item.</param>
    /// <param name="items">The items in the order of the rows.</param>
    /// <param name="options">The options of the tokenizer that will ask, which say how an item becomes text; or <see langword="null"/> for
    /// the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is no such array, has another number of rows than there are items, or holds a number
    /// that is not finite.</exception>
    public static async Task<PrecomputedEncoder> LoadAsync(
        string path, IReadOnlyList<Item> items, TokenizationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(items);
        options ??= new TokenizationOptions();
        var vectors = await EmbeddingTable.LoadAsync(path, items.Count, cancellationToken: cancellationToken).ConfigureAwait(false);
        return new PrecomputedEncoder([.. items.Select(options.TextOf)], vectors);
    }

    /// <inheritdoc/>
    /// <exception cref="KeyNotFoundException">A text has no vector.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        cancellationToken.ThrowIfCancellationRequested();
        return Task.FromResult(
            new GeneratedEmbeddings<Embedding<float>>(values.Select(text => new Embedding<float>(_rows.TryGetValue(text, out int row)
            ? _vectors.Values.Slice(row * _vectors.Width, _vectors.Width)
            : throw new KeyNotFoundException(
                $"No vector was computed for the text '{(text.Length > 80 ? text[..80] + "…" : text)}'; "
                + $"there are {_rows.Count} texts.")))));
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }
}
