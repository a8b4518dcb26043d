using System.Buffers.Binary;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace MiniOneRec;

/// <summary>Maps each item of a catalogue to its semantic ID; two items may share one.</summary>
/// <remarks>
/// Immutable and safe for concurrent use. Items keep the order in which they were given: an item's position is its row, and
/// everything numeric in this library speaks of rows. Items of one semantic ID are listed by row.
/// </remarks>
[JsonConverter(typeof(SemanticIdIndexJsonConverter))]
public sealed class SemanticIdIndex
{
    /// <summary>The most codes that a level may have, as for quantizers.</summary>
    public const int MaxLevelSize = 1 << 20;

    /// <summary>The most codes that all levels together may have: each is a token with rows of weights.</summary>
    public const int MaxCodes = 1 << 20;

    private readonly string[] _items;
    private readonly SemanticId[] _semanticIds;
    private readonly Dictionary<string, int> _rows;
    private readonly Dictionary<SemanticId, int[]> _itemsOf;

    /// <summary>Makes an index.</summary>
    /// <param name="entries">Item ids with their semantic IDs, in row order.</param>
    /// <param name="levelSizes">
    /// K of each level, so that the vocabulary covers codes that no item uses yet; by default the largest code in use plus 1.
    /// </param>
    /// <exception cref="ArgumentException">
    /// No entries, an item twice, a code outside its level's size, or levels of more codes than <see cref="MaxLevelSize"/> each or
    /// <see cref="MaxCodes"/> together.
    /// </exception>
    public SemanticIdIndex(IEnumerable<KeyValuePair<string, SemanticId>> entries, IReadOnlyList<int>? levelSizes = null)
    {
        ArgumentNullException.ThrowIfNull(entries);

        var list = entries.ToArray();
        if (list.Length == 0)
        {
            throw new ArgumentException("An index needs at least one item.", nameof(entries));
        }

        _items = new string[list.Length];
        _semanticIds = new SemanticId[list.Length];
        _rows = new Dictionary<string, int>(list.Length, StringComparer.Ordinal);
        int depth = 0;
        for (int row = 0; row < list.Length; row++)
        {
            (_items[row], _semanticIds[row]) = list[row];
            ArgumentNullException.ThrowIfNull(list[row].Value, nameof(entries));
            if (!_rows.TryAdd(_items[row], row))
            {
                throw new ArgumentException($"Item '{_items[row]}' is in the index twice.", nameof(entries));
            }

            depth = Math.Max(depth, _semanticIds[row].Depth);
        }

        LevelSizes = CheckLevelSizes(levelSizes, depth);
        _itemsOf = Enumerable.Range(0, list.Length)
            .GroupBy(row => _semanticIds[row])
            .ToDictionary(group => group.Key, group => group.ToArray());
        Fingerprint = ComputeFingerprint();
    }

    /// <summary>Gets the number of items.</summary>
    public int Count => _items.Length;

    /// <summary>Gets the number of different semantic IDs.</summary>
    public int DistinctCount => _itemsOf.Count;

    /// <summary>Gets the depth of the deepest semantic ID, L.</summary>
    public int Depth => LevelSizes.Count;

    /// <summary>Gets K of each level: codes at level <c>l</c> are below <c>LevelSizes[l]</c>.</summary>
    public IReadOnlyList<int> LevelSizes { get; }

    /// <summary>Gets the item ids by row.</summary>
    public IReadOnlyList<string> Items => _items;

    /// <summary>Gets the semantic IDs by row.</summary>
    public IReadOnlyList<SemanticId> SemanticIds => _semanticIds;

    /// <summary>Gets a SHA-256 over items, codes and level sizes, in hexadecimal; equal indexes have equal fingerprints.</summary>
    public string Fingerprint { get; }

    /// <summary>Gets the semantic ID of an item.</summary>
    /// <param name="itemId">The item's id.</param>
    /// <exception cref="KeyNotFoundException">The item is not in the index.</exception>
    public SemanticId this[string itemId] => TryGetRow(itemId, out int row)
        ? _semanticIds[row]
        : throw new KeyNotFoundException($"Item '{itemId}' is not in the index of {Count} items.");

    /// <summary>Finds the row of an item.</summary>
    /// <param name="itemId">The item's id.</param>
    /// <param name="row">The row, where the result is <see langword="true"/>.</param>
    public bool TryGetRow(string itemId, out int row) => _rows.TryGetValue(itemId, out row);

    /// <summary>Finds the semantic ID of an item.</summary>
    /// <param name="itemId">The item's id.</param>
    /// <param name="semanticId">The semantic ID, where the result is <see langword="true"/>.</param>
    public bool TryGetSemanticId(string itemId, [NotNullWhen(true)] out SemanticId? semanticId)
    {
        semanticId = _rows.TryGetValue(itemId, out int row) ? _semanticIds[row] : null;
        return semanticId is not null;
    }

    /// <summary>Gets the rows of the items that have a semantic ID, ascending; empty where none has.</summary>
    /// <param name="semanticId">The semantic ID.</param>
    public IReadOnlyList<int> RowsOf(SemanticId semanticId) => _itemsOf.TryGetValue(semanticId, out int[]? rows) ? rows : [];

    /// <summary>Reads an index in the reference format: item id to list of tokens, <c>{"0": ["&lt;a_236&gt;", "&lt;b_231&gt;"], …}</c>.</summary>
    /// <param name="path">The <c>.index.json</c> file.</param>
    /// <param name="levelSizes">K of each level; by default the largest code in use plus 1.</param>
    /// <param name="requireUniformDepth">Whether semantic IDs of different depth are an error.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">
    /// The file is no index, has an item twice, or would need more codes than <see cref="MaxLevelSize"/> and <see cref="MaxCodes"/> allow; the
    /// message names file, item and what was expected. Broken characters in ids are read as U+FFFD.
    /// </exception>
    public static async Task<SemanticIdIndex> LoadAsync(
        string path, IReadOnlyList<int>? levelSizes = null, bool requireUniformDepth = false, CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"Index file '{path}' does not exist.", path);
        }

        Dictionary<string, string[]>? raw;
        var stream = File.OpenRead(path);
        await using (stream.ConfigureAwait(false))
        {
            if (stream.Length == 0)
            {
                throw new InvalidDataException($"Index file '{path}' is empty; expected a JSON object of item id to list of tokens.");
            }

            try
            {
                raw = await JsonSerializer.DeserializeAsync<Dictionary<string, string[]>>(JsonText.Repair(stream), StrictJson, cancellationToken).ConfigureAwait(false);
            }
            catch (JsonException e)
            {
                throw new InvalidDataException(
                    $"Index file '{path}', line {e.LineNumber + 1}: expected a JSON object of item id to list of tokens. {e.Message}", e);
            }
        }

        if (raw is null or { Count: 0 })
        {
            throw new InvalidDataException($"Index file '{path}' holds no items; expected a JSON object of item id to list of tokens.");
        }

        var entries = new List<KeyValuePair<string, SemanticId>>(raw.Count);
        foreach (var (item, tokens) in raw)
        {
            string text = tokens is null ? "" : string.Concat(tokens);
            if (!SemanticId.TryParse(text, out var id) || id.Depth != tokens!.Length)
            {
                throw new InvalidDataException($"Index file '{path}', item '{item}': '{text}' is no semantic ID; expected tokens such as <a_12><b_7><c_240>.");
            }

            if (requireUniformDepth && entries.Count > 0 && entries[0].Value.Depth != id.Depth)
            {
                throw new InvalidDataException(
                    $"Index file '{path}', item '{item}': depth {id.Depth}, but item '{entries[0].Key}' has depth {entries[0].Value.Depth}; expected one depth.");
            }

            entries.Add(new(item, id));
        }

        try
        {
            return new SemanticIdIndex(entries, levelSizes);
        }
        catch (ArgumentException e)
        {
            throw new InvalidDataException($"Index file '{path}': {e.Message}", e);
        }
    }

    /// <summary>Writes the index in the reference format; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The <c>.index.json</c> file.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    /// <exception cref="IOException">A file that is no index exists; it stays.</exception>
    public Task SaveAsync(string path, CancellationToken cancellationToken = default) => SaveAsync(path, overwrite: false, cancellationToken);

    /// <summary>Writes the index in the reference format; the earlier file stays whole until the new one is complete.</summary>
    /// <param name="path">The <c>.index.json</c> file.</param>
    /// <param name="overwrite">Whether a file that is no index is replaced.</param>
    /// <param name="cancellationToken">Stops the writing and leaves the earlier file.</param>
    public Task SaveAsync(string path, bool overwrite, CancellationToken cancellationToken = default) => AtomicFile.WriteAsync(
        path,
        async stream =>
        {
            var writer = new Utf8JsonWriter(stream, new JsonWriterOptions { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping });
            await using (writer.ConfigureAwait(false))
            {
                writer.WriteStartObject();
                for (int row = 0; row < _items.Length; row++)
                {
                    writer.WriteStartArray(_items[row]);
                    for (int level = 0; level < _semanticIds[row].Depth; level++)
                    {
                        writer.WriteStringValue(SemanticId.TokenText(level, _semanticIds[row][level]));
                    }

                    writer.WriteEndArray();
                    if (row % 4096 == 0)
                    {
                        await writer.FlushAsync(cancellationToken).ConfigureAwait(false);
                    }
                }

                writer.WriteEndObject();
            }
        },
        FileHead.HasOnlyArrays,
        overwrite,
        cancellationToken);

    private static JsonSerializerOptions StrictJson { get; } = new()
    {
        AllowDuplicateProperties = false, TypeInfoResolver = MiniOneRecJsonContext.WithReflection(MiniOneRecJsonContext.Default),
    };

    private int[] CheckLevelSizes(IReadOnlyList<int>? given, int depth)
    {
        int[] sizes = new int[Math.Max(depth, given?.Count ?? 0)];
        for (int row = 0; row < _items.Length; row++)
        {
            for (int level = 0; level < _semanticIds[row].Depth; level++)
            {
                int code = _semanticIds[row][level];
                if (given is not null && (level >= given.Count || code >= given[level]))
                {
                    throw new ArgumentException(
                        $"Item '{_items[row]}' has {_semanticIds[row]}: code {code} at level {level} is outside the level sizes [{string.Join(", ", given.Take(SemanticId.MaxDepth))}].");
                }

                if (code >= MaxLevelSize)
                {
                    throw new ArgumentException($"Item '{_items[row]}' has {_semanticIds[row]}: code {code} at level {level} is above {MaxLevelSize - 1}.");
                }

                sizes[level] = Math.Max(sizes[level], code + 1);
            }
        }

        if (given is not null)
        {
            if (given.Count > SemanticId.MaxDepth || given.Any(size => size is < 1 or > MaxLevelSize))
            {
                throw new ArgumentException(
                    $"Level sizes [{string.Join(", ", given.Take(SemanticId.MaxDepth))}]; expected at most {SemanticId.MaxDepth}, each from 1 to {MaxLevelSize}.");
            }

            sizes = [.. given];
        }

        return sizes.Sum() <= MaxCodes ? sizes
            : throw new ArgumentException($"Level sizes [{string.Join(", ", sizes)}] are {sizes.Sum()} codes; expected at most {MaxCodes} together.");
    }

    private string ComputeFingerprint()
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> number = stackalloc byte[4];
        void Append(int value, Span<byte> buffer)
        {
            BinaryPrimitives.WriteInt32LittleEndian(buffer, value);
            hash.AppendData(buffer);
        }

        Append(LevelSizes.Count, number);
        foreach (int size in LevelSizes)
        {
            Append(size, number);
        }

        for (int row = 0; row < _items.Length; row++)
        {
            byte[] id = Encoding.UTF8.GetBytes(_items[row]);
            Append(id.Length, number);
            hash.AppendData(id);
            Append(_semanticIds[row].Depth, number);
            foreach (int code in _semanticIds[row].Codes)
            {
                Append(code, number);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
