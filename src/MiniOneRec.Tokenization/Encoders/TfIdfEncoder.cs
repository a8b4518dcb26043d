using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text.Json;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Options;
using MiniOneRec.Tensors;
using MiniOneRec.Vectors;
using static TorchSharp.torch;

namespace MiniOneRec.Tokenization;

/// <summary>Encodes text in this process and without a download: TF-IDF of words and word pairs, projected by a truncated SVD.</summary>
/// <remarks>
/// Latent semantic analysis, Deerwester et al. (1990). Vectors have unit length; a text without a known term is the zero vector.
/// Fit once, on the catalogue's texts: <see cref="SemanticIdTokenizer"/> does so where it was not done. Encoding is safe for concurrent
/// use.
/// </remarks>
public sealed class TfIdfEncoder : IRestorableEncoder
{
    private const string Kind = "tf-idf";
    private const string ManifestFile = "manifest.json";
    private readonly TfIdfOptions _options;
    private readonly int _seed;
    private Fitted? _fitted;

    /// <summary>Makes an encoder that is not fitted.</summary>
    /// <param name="options">The options, or <see langword="null"/> for the defaults.</param>
    /// <param name="shared">The seed of the decomposition's random start, or <see langword="null"/> for the default.</param>
    /// <exception cref="Microsoft.Extensions.Options.OptionsValidationException">An option is out of its range.</exception>
    public TfIdfEncoder(TfIdfOptions? options = null, MiniOneRecOptions? shared = null)
    {
        _options = OptionsValidation.Validated(options ?? new TfIdfOptions(), new TfIdfOptionsValidator());
        _seed = (shared ?? new MiniOneRecOptions()).Seed;
    }

    /// <summary>Gets whether the encoder knows its vocabulary.</summary>
    public bool IsFitted => _fitted is not null;

    /// <summary>Gets a SHA-256 over vocabulary and projection, in hexadecimal, or <see langword="null"/> before fitting.</summary>
    public string? Fingerprint => _fitted?.Fingerprint.Value;

    /// <summary>Gets E, the width of the vectors, or 0 before fitting.</summary>
    public int Width => _fitted?.Width ?? 0;

    /// <summary>Learns vocabulary and projection.</summary>
    /// <param name="texts">The catalogue's texts, at least one of them with a word.</param>
    /// <param name="cancellationToken">Stops between iterations; the encoder is then as it was.</param>
    /// <exception cref="ArgumentException">No text has a word of two letters or digits.</exception>
    public async Task FitAsync(IReadOnlyList<string> texts, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(texts);
        _fitted = await TorchThread.RunAsync("tf-idf", () =>
        {
            var vocabulary = TermVocabulary.Fit(texts, _options);
            if (vocabulary.Terms.Count == 0)
            {
                throw new ArgumentException($"None of the {texts.Count} texts has a word of two letters or digits.", nameof(texts));
            }

            var (projection, values) = TruncatedSvd.RightVectors(vocabulary.Transform(texts), _options.Width, _seed, cancellationToken);
            return new Fitted(vocabulary, projection, values.Length, _options);
        }).ConfigureAwait(false);
    }

    object? IRestorableEncoder.Capture() => _fitted;

    void IRestorableEncoder.Restore(object? captured) => _fitted = (Fitted?)captured;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The encoder is not fitted.</exception>
    public Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        var fitted = _fitted ?? throw NotFitted();
        return Task.Run(
            () =>
            {
                string[] texts = [.. values];
                float[] vectors = fitted.Vocabulary.Transform(texts).Multiply(fitted.Projection, fitted.Width);
                var result = new GeneratedEmbeddings<Embedding<float>>(texts.Length);
                for (int row = 0; row < texts.Length; row++)
                {
                    var vector = vectors.AsMemory(row * fitted.Width, fitted.Width);
                    VectorMath.Normalise(vector.Span);
                    result.Add(new Embedding<float>(vector) { ModelId = Kind });
                }

                return result;
            },
            cancellationToken);
    }

    /// <inheritdoc/>
    public object? GetService(Type serviceType, object? serviceKey = null)
    {
        ArgumentNullException.ThrowIfNull(serviceType);
        return serviceKey is null && serviceType.IsInstanceOfType(this) ? this : null;
    }

    /// <summary>Writes a folder with vocabulary, projection and manifest.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    /// <exception cref="InvalidOperationException">The encoder is not fitted.</exception>
    /// <exception cref="IOException">The folder is neither missing, nor empty, nor a saved encoder, or holds files of others.</exception>
    public Task SaveAsync(string folder, CancellationToken cancellationToken = default) =>
        SaveAsync(folder, overwrite: false, cancellationToken);

    /// <summary>Writes a folder with terms, weights and a manifest; the earlier folder stays whole until the new one is complete.</summary>
    /// <param name="folder">The folder to make or replace.</param>
    /// <param name="overwrite">Whether an existing folder is replaced whatever it holds.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier folder.</param>
    public Task SaveAsync(string folder, bool overwrite, CancellationToken cancellationToken = default)
    {
        var fitted = _fitted ?? throw NotFitted();
        return ArtifactFolder.SaveAsync(
            folder,
            ManifestFile,
            Kind,
            async aside =>
            {
                string terms = Path.Combine(aside, "terms.json"), weights = Path.Combine(aside, "tf-idf.safetensors");
                await File.WriteAllBytesAsync(terms, JsonSerializer.SerializeToUtf8Bytes(fitted.Vocabulary.Terms), cancellationToken)
                    .ConfigureAwait(false);
                await TorchThread.RunAsync("tf-idf", () =>
                {
                    using var scope = NewDisposeScope();
                    using var stream = File.Create(weights);
                    var projection = tensor(fitted.Projection).view(-1, fitted.Width);      // [V, E]
                    SafetensorsFile.Write(stream, [("inverse_frequency", tensor(fitted.Vocabulary.InverseFrequencies)),
                        ("projection", projection)], cancellationToken: cancellationToken);
                    return true;
                }).ConfigureAwait(false);
                return new ArtifactManifest { Kind = Kind, Options = ArtifactManifest.ToOptions(_options) };
            },
            overwrite,
            cancellationToken);
    }

    /// <summary>Reads a folder that <see cref="SaveAsync(string, CancellationToken)"/> wrote.</summary>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="InvalidDataException">A file is damaged or belongs to another fit.</exception>
    public static Task<TfIdfEncoder> LoadAsync(string folder, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        return ArtifactFolder.LoadAsync(folder, ManifestFile, Kind, (manifest, at) => ReadAsync(manifest, at, cancellationToken),
            cancellationToken);
    }

    private static async Task<TfIdfEncoder> ReadAsync(ArtifactManifest manifest, string folder, CancellationToken cancellationToken)
    {
        string termsPath = Path.Combine(folder, "terms.json"), weightsPath = Path.Combine(folder, "tf-idf.safetensors");
        await OldHashes.CheckFileAsync(manifest, "terms", termsPath, cancellationToken).ConfigureAwait(false);
        await OldHashes.CheckFileAsync(manifest, "weights", weightsPath, cancellationToken).ConfigureAwait(false);
        TfIdfEncoder encoder;
        string[] terms;
        try
        {
            encoder = new TfIdfEncoder(manifest.OptionsAs<TfIdfOptions>());
            terms = JsonSerializer.Deserialize<string[]>(await File.ReadAllBytesAsync(termsPath, cancellationToken).ConfigureAwait(false))
                ?? [];
        }
        catch (OptionsValidationException e)
        {
            throw new InvalidDataException($"Manifest '{Path.Combine(folder, ManifestFile)}': {e.Message}", e);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new InvalidDataException($"Encoder file '{termsPath}' is no JSON array of terms: {e.Message}", e);
        }

        if (Array.FindIndex(terms, term => term is null) is var at and >= 0)
        {
            throw new InvalidDataException($"Encoder file '{termsPath}': term {at} is null.");
        }

        encoder._fitted = await TorchThread.RunAsync("tf-idf", () =>
        {
            using var scope = NewDisposeScope();
            var tensors = SafetensorsFile.Load(weightsPath);
            try
            {
                if (!tensors.TryGetValue("projection", out var projection) || !tensors.TryGetValue("inverse_frequency", out var frequency)
                    || projection.dtype != ScalarType.Float32 || frequency.dtype != ScalarType.Float32 || projection.dim() != 2
                        || projection.size(0) != terms.Length || frequency.numel() != terms.Length)
                {
                    throw new InvalidDataException(
                        $"Encoder file '{weightsPath}' lacks 'projection' or 'inverse_frequency' in float32 for the "
                        + $"{terms.Length} terms of '{termsPath}'.");
                }

                var vocabulary =
                    new TermVocabulary(terms, frequency.data<float>().ToArray(), encoder._options.MaxWords, encoder._options.MaxTextWords);
                return new Fitted(vocabulary, projection.data<float>().ToArray(), (int)projection.size(1), encoder._options);
            }
            finally
            {
                foreach (var value in tensors.Values)
                {
                    value.Dispose();
                }
            }
        }).ConfigureAwait(false);
        return encoder;
    }

    /// <inheritdoc/>
    public void Dispose()
    {
    }

    private static InvalidOperationException NotFitted() =>
        new("The TF-IDF encoder is not fitted; call FitAsync with the catalogue's texts, or LoadAsync.");

    private sealed class Fitted(TermVocabulary vocabulary, float[] projection, int width, TfIdfOptions options)
    {
        public TermVocabulary Vocabulary => vocabulary;

        public float[] Projection => projection;

        public int Width => width;

        public Lazy<string> Fingerprint { get; } = new(() =>
        {
            using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
            hash.AppendData(MemoryMarshal.AsBytes<int>([width, options.MaxWords, options.MaxTextWords, vocabulary.Terms.Count]));
            hash.AppendData(JsonSerializer.SerializeToUtf8Bytes(vocabulary.Terms));
            hash.AppendData(MemoryMarshal.AsBytes(vocabulary.InverseFrequencies.AsSpan()));
            hash.AppendData(MemoryMarshal.AsBytes(projection.AsSpan()));
            return Convert.ToHexStringLower(hash.GetHashAndReset());
        });
    }
}
