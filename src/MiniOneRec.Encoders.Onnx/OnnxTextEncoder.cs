using Microsoft.Extensions.AI;
using Microsoft.ML.OnnxRuntime;

namespace MiniOneRec.Encoders.Onnx;

/// <summary>A sentence encoder in this process: a BERT-class model of sentence-transformers in ONNX form.</summary>
/// <remarks>
/// Reimers and Gurevych, <em>Sentence-BERT</em> (arXiv:1908.10084), section 3: tokens, transformer, pooling, unit length. Texts of one call
/// are sorted by length and computed in batches, so that little padding is computed; the vectors come back in the order of the texts. Safe
/// for concurrent use.
/// </remarks>
public sealed class OnnxTextEncoder : IEmbeddingGenerator<string, Embedding<float>>
{
    private readonly BertWords _words;
    private readonly SentenceModel _model;
    private readonly OnnxTextEncoderOptions _options;
    private readonly EmbeddingGeneratorMetadata _metadata;

    /// <summary>Makes an encoder of a model in memory, for example one that an assembly carries.</summary>
    /// <param name="model">The bytes of the ONNX file.</param>
    /// <param name="vocabulary">The text of <c>vocab.txt</c>, one token a line.</param>
    /// <param name="options">The options, or <see langword="null"/> for the mean, unit length, 256 tokens and lower case.</param>
    /// <param name="modelId">What names the model in metadata and caches.</param>
    /// <exception cref="InvalidDataException">The model or the vocabulary cannot be used.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public OnnxTextEncoder(byte[] model, Stream vocabulary, OnnxTextEncoderOptions? options = null, string? modelId = null)
        : this(
            OptionsValidation.Validated(options ?? new(), new OnnxTextEncoderOptionsValidator()),
            checkedOptions => (
                new SentenceModel(model, "the model in memory", checkedOptions.Threads),
                new BertWords(ReadLines(vocabulary), checkedOptions.LowerCase ?? true, checkedOptions.LowerCase ?? true, "in memory")),
            (checkedOptions) =>
                (checkedOptions.Pooling ?? TextPooling.Mean, checkedOptions.Normalise ?? true, checkedOptions.MaxTokens ?? 256),
            modelId ?? "onnx")
    {
    }

    private OnnxTextEncoder(
        OnnxTextEncoderOptions options,
        Func<OnnxTextEncoderOptions, (SentenceModel Model, BertWords Words)> open,
        Func<OnnxTextEncoderOptions, (TextPooling Pooling, bool Normalise, int MaxTokens)> settings,
        string modelId)
    {
        _options = options;
        (Pooling, Normalise, MaxTokens) = settings(options);
        (_model, _words) = open(options);
        _metadata = new EmbeddingGeneratorMetadata("onnx", null, modelId, _model.Width);
    }

    /// <summary>Gets how the vectors of tokens become one.</summary>
    public TextPooling Pooling { get; }

    /// <summary>Gets whether vectors are scaled to unit length.</summary>
    public bool Normalise { get; }

    /// <summary>Gets how many tokens of a text count, the special ones included.</summary>
    public int MaxTokens { get; }

    /// <summary>Loads a sentence-transformers folder with an ONNX model.</summary>
    /// <remarks>
    /// It reads <c>model.onnx</c> or <c>onnx/model.onnx</c>, <c>vocab.txt</c> or a WordPiece <c>tokenizer.json</c>, and where they exist
    /// <c>modules.json</c> with the pooling's <c>config.json</c>, <c>sentence_bert_config.json</c>, <c>tokenizer_config.json</c> and
    /// <c>config.json</c>.
    /// </remarks>
    /// <param name="folder">The folder.</param>
    /// <param name="options">The options, which overrule the folder's files, or <see langword="null"/>.</param>
    /// <param name="cancellationToken">Looked at before the model is opened.</param>
    /// <exception cref="DirectoryNotFoundException">The folder is missing.</exception>
    /// <exception cref="FileNotFoundException">The model or the tokenizer is missing.</exception>
    /// <exception cref="InvalidDataException">A file cannot be used; the message names it and what was expected.</exception>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public static Task<OnnxTextEncoder> LoadAsync(string folder, OnnxTextEncoderOptions? options = null,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        options = OptionsValidation.Validated(options ?? new(), new OnnxTextEncoderOptionsValidator());
        return Task.Run(
            () =>
            {
                var files = SentenceFolder.Read(folder, options);
                cancellationToken.ThrowIfCancellationRequested();
                bool lowerCase = options.LowerCase ?? files.LowerCase;
                return new OnnxTextEncoder(
                    options,
                    _ => (
                        new SentenceModel(files.ModelPath, options.Threads),
                        new BertWords(files.Vocabulary, lowerCase, files.StripAccents ?? lowerCase, files.VocabularyPath)),
                    _ => (options.Pooling ?? files.Pooling, options.Normalise ?? files.Normalise, options.MaxTokens ?? files.MaxTokens),
                    Path.GetFileName(Path.TrimEndingDirectorySeparator(Path.GetFullPath(folder))));
            },
            cancellationToken);
    }

    /// <summary>Counts the tokens of a text, the special ones included, after truncation.</summary>
    /// <param name="text">The text.</param>
    public int CountTokens(string text)
    {
        ArgumentNullException.ThrowIfNull(text);
        return _words.Encode(text, MaxTokens).Length;
    }

    /// <inheritdoc/>
    /// <exception cref="ArgumentException">A text is <see langword="null"/>.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        if (texts.Contains(null))
        {
            throw new ArgumentException($"Text {Array.IndexOf(texts, null)} is null.", nameof(values));
        }

        return Task.Run(() => Generate(texts, cancellationToken), cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is not null ? null
            : serviceType == typeof(EmbeddingGeneratorMetadata) ? _metadata
            : serviceType.IsInstanceOfType(this) ? this
            : null;
    }

    /// <summary>Frees the model.</summary>
    public void Dispose() => _model.Dispose();

    private GeneratedEmbeddings<Embedding<float>> Generate(string[] texts, CancellationToken cancellationToken)
    {
        int[][] tokens = new int[texts.Length][];
        Parallel.For(0, texts.Length, new ParallelOptions { CancellationToken = cancellationToken },
            i => tokens[i] = _words.Encode(texts[i], MaxTokens));
        float[][] vectors = new float[texts.Length][];
        foreach (int[] batch in Batches(tokens))
        {
            cancellationToken.ThrowIfCancellationRequested();
            var pooled = _model.Encode([.. batch.Select(i => tokens[i])], _words.Padding, Pooling, Normalise, cancellationToken);
            for (int b = 0; b < batch.Length; b++)
            {
                vectors[batch[b]] = pooled[b];
            }
        }

        return new GeneratedEmbeddings<Embedding<float>>(
            vectors.Select(vector => new Embedding<float>(vector) { ModelId = _metadata.DefaultModelId }))
        {
            Usage = new UsageDetails { InputTokenCount = tokens.Sum(row => (long)row.Length) },
        };
    }

    /// <summary>Groups texts of like length, longest first, within both bounds of a batch.</summary>
    internal IEnumerable<int[]> Batches(int[][] tokens)
    {
        int[] order = [.. Enumerable.Range(0, tokens.Length).OrderByDescending(i => tokens[i].Length).ThenBy(i => i)];
        for (int start = 0; start < order.Length;)
        {
            int size = Math.Clamp(_options.MaxBatchTokens / tokens[order[start]].Length, 1, _options.BatchSize);
            yield return order[start..Math.Min(order.Length, start + size)];
            start += size;
        }
    }

    private static List<string> ReadLines(Stream stream)
    {
        ArgumentNullException.ThrowIfNull(stream);
        using var reader = new StreamReader(stream, leaveOpen: true);
        var lines = new List<string>();
        while (reader.ReadLine() is { } line)
        {
            lines.Add(line);
        }

        return lines;
    }
}
