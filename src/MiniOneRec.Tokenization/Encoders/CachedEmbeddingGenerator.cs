using System.Security.Cryptography;
using System.Text;
using Microsoft.Extensions.AI;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace MiniOneRec.Tokenization;

/// <summary>Remembers vectors on disk by what their texts are, so that a second run over the same texts asks the encoder nothing.</summary>
/// <remarks>
/// A vector is found by a SHA-256 over model id, requested width and text. Each call appends one file of vectors (<c>.npy</c>) and one of
/// hashes (<c>.keys</c>), both written aside and renamed: an interrupted run goes on where it stopped, and processes may share the folder.
/// Texts that come twice in a call are encoded once. Safe for concurrent use where the inner encoder is.
/// </remarks>
public sealed class CachedEmbeddingGenerator : DelegatingEmbeddingGenerator<string, Embedding<float>>
{
    private readonly EmbeddingCacheFolder _cache;
    private readonly string _modelId;

    /// <summary>Makes a cache around an encoder.</summary>
    /// <param name="inner">The encoder; the cache disposes it.</param>
    /// <param name="folder">The folder of the cache, made where it is missing.</param>
    /// <param name="modelId">
    /// What tells this encoder's vectors from those of any other: the model's name and version, and whatever else changes them (pooling,
    /// prefix, longest text). The encoder's own metadata rarely say all of it, so it is asked for here.
    /// </param>
    /// <param name="logger">Told of files that cannot be read, or <see langword="null"/>.</param>
    /// <exception cref="ArgumentException">The encoder is an <see cref="IFittedEncoder"/>, whose vectors depend on the catalogue that it is
    /// fitted to: save it instead.</exception>
    public CachedEmbeddingGenerator(
        IEmbeddingGenerator<string, Embedding<float>> inner, string folder, string modelId,
        ILogger<CachedEmbeddingGenerator>? logger = null)
        : base(inner)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrWhiteSpace(modelId);
        ArgumentNullException.ThrowIfNull(inner);
        if (inner.FittedPart() is { } fitted)
        {
            throw new ArgumentException(
                $"The vectors of a {fitted.GetType().Name} depend on what it was fitted to and cannot be found by text; "
                + "use its SaveAsync and LoadAsync.", nameof(inner));
        }

        (_cache, _modelId) = (new EmbeddingCacheFolder(folder, logger ?? NullLogger<CachedEmbeddingGenerator>.Instance), modelId);
    }

    /// <summary>Gets the number of vectors that are remembered, of all models that share the folder.</summary>
    public int Count => _cache.Count;

    /// <inheritdoc/>
    /// <exception cref="InvalidOperationException">The encoder returns another number of vectors than texts, or vectors that differ in
    /// width or are not finite.</exception>
    public override async Task<GeneratedEmbeddings<Embedding<float>>> GenerateAsync(
        IEnumerable<string> values, EmbeddingGenerationOptions? options = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(values);
        string[] texts = [.. values];
        string[] keys = [.. texts.Select(text => KeyOf(text, options))];
        var found = await _cache.ReadAsync(keys, cancellationToken).ConfigureAwait(false);
        int[] missing = [.. Enumerable.Range(0, keys.Length).Where(i => !found.ContainsKey(keys[i])).DistinctBy(i => keys[i])];
        var result = new GeneratedEmbeddings<Embedding<float>>(texts.Length);
        if (missing.Length > 0)
        {
            var generated = await base.GenerateAsync(missing.Select(i => texts[i]), options, cancellationToken).ConfigureAwait(false);
            EncoderOutput.CheckCount(generated.Count, missing.Length);
            var table = EncoderOutput.ToTable([.. generated.Select(embedding => embedding.Vector)]);
            string[] added = [.. missing.Select(i => keys[i])];
            await _cache.AppendAsync(added, table, cancellationToken).ConfigureAwait(false);
            for (int i = 0; i < added.Length; i++)
            {
                found[added[i]] = generated[i].Vector;
            }

            result.Usage = generated.Usage;
        }

        foreach (string key in keys)
        {
            result.Add(new Embedding<float>(found[key]) { ModelId = _modelId });
        }

        return result;
    }

    private string KeyOf(string text, EmbeddingGenerationOptions? options) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(
        string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{_modelId}\0{options?.ModelId}\0{options?.Dimensions}\0{text}"))));
}
