using System.Runtime.InteropServices;
using System.Text;
using Microsoft.Extensions.Logging;
using MiniOneRec.Vectors;

namespace MiniOneRec.Tokenization;

/// <summary>Vectors by key in a folder of pairs of files, <c>NAME.npy</c> with the vectors and <c>NAME.keys</c> with a key per
/// line.</summary>
/// <remarks>Keys live in memory, vectors on disk. The keys' file is written last: a pair without it does not count.</remarks>
internal sealed class EmbeddingCacheFolder
{
    private static readonly TimeSpan AgeOfLeftovers = TimeSpan.FromHours(1);
    private readonly Lock _gate = new();
    private readonly Dictionary<string, (NpyRows Rows, int Row)> _places = new(StringComparer.Ordinal);
    private readonly string _folder;

    public EmbeddingCacheFolder(string folder, ILogger logger)
    {
        _folder = Directory.CreateDirectory(folder).FullName;
        RemoveLeftovers();
        foreach (string path in Directory.GetFiles(_folder, "*.keys").Order(StringComparer.Ordinal))
        {
            try
            {
                string[] keys = File.ReadAllLines(path);
                var rows = NpyRows.Open(Path.ChangeExtension(path, ".npy"));
                if (rows.Count != keys.Length)
                {
                    throw new InvalidDataException($"Cache file '{path}' has {keys.Length} keys for {rows.Count} vectors.");
                }

                Remember(keys, rows);
            }
            catch (Exception e) when (e is IOException or InvalidDataException)
            {
                Log.CacheFileIgnored(logger, path, e.Message);                              // what it held is encoded again
            }
        }
    }

    public int Count
    {
        get
        {
            lock (_gate)
            {
                return _places.Count;
            }
        }
    }

    /// <summary>Reads the vectors of those keys that are there.</summary>
    public async Task<Dictionary<string, ReadOnlyMemory<float>>> ReadAsync(IReadOnlyList<string> keys, CancellationToken cancellationToken)
    {
        var places = new Dictionary<string, (NpyRows Rows, int Row)>(StringComparer.Ordinal);
        lock (_gate)
        {
            foreach (string key in keys)
            {
                if (_places.TryGetValue(key, out var place))
                {
                    places[key] = place;
                }
            }
        }

        var found = new Dictionary<string, ReadOnlyMemory<float>>(StringComparer.Ordinal);
        foreach (var file in places.GroupBy(place => place.Value.Rows))
        {
            using var handle = File.OpenHandle(file.Key.Path, options: FileOptions.Asynchronous);
            foreach (var (key, place) in file)
            {
                found[key] = await file.Key.ReadAsync(handle, place.Row, cancellationToken).ConfigureAwait(false);
            }
        }

        return found;
    }

    /// <summary>Writes vectors and remembers where they are.</summary>
    public async Task AppendAsync(IReadOnlyList<string> keys, EmbeddingTable table, CancellationToken cancellationToken)
    {
        string name = Path.Combine(_folder, Guid.NewGuid().ToString("N")), vectors = name + ".npy";
        await table.SaveAsync(vectors, cancellationToken).ConfigureAwait(false);
        await AtomicFile.WriteAsync(
            name + ".keys",
            async stream =>
            await stream.WriteAsync(Encoding.ASCII.GetBytes(string.Join('\n', keys)), cancellationToken).ConfigureAwait(false),
            cancellationToken).ConfigureAwait(false);
        Remember(keys, NpyRows.Open(vectors));
    }

    /// <summary>Removes what killed writers left; every file here has a name of its own, so that no later write does it.</summary>
    private void RemoveLeftovers()
    {
        foreach (var file in new DirectoryInfo(_folder).EnumerateFiles()
            .Where(file => DateTime.UtcNow - file.LastWriteTimeUtc > AgeOfLeftovers).ToArray())
        {
            string[] parts = file.Name.Split('.');
            bool ours = parts.Length is 2 or 3 && Guid.TryParseExact(parts[0], "N", out _) && parts[1] is "npy" or "keys";
            bool unfinished = parts.Length == 3 && parts[2].StartsWith("tmp-", StringComparison.Ordinal);
            bool alone = parts.Length == 2 && parts[1] == "npy" && !File.Exists(Path.ChangeExtension(file.FullName, ".keys"));
            if (ours && (unfinished || alone))
            {
                file.Delete();
            }
        }
    }

    private void Remember(IReadOnlyList<string> keys, NpyRows rows)
    {
        lock (_gate)
        {
            for (int row = 0; row < keys.Count; row++)
            {
                _places.TryAdd(keys[row], (rows, row));
            }
        }
    }
}

/// <summary>Where the rows of a float32 <c>.npy</c> file lie.</summary>
internal sealed record NpyRows(string Path, long Start, int Count, int Width)
{
    public static NpyRows Open(string path)
    {
        var (start, count, width) = NpyFile.Locate(path);
        return new NpyRows(path, start, count, width);
    }

    public async Task<ReadOnlyMemory<float>> ReadAsync(Microsoft.Win32.SafeHandles.SafeFileHandle file, int row,
        CancellationToken cancellationToken)
    {
        byte[] bytes = new byte[Width * sizeof(float)];
        for (int at = 0, read; at < bytes.Length; at += read)
        {
            read = await RandomAccess.ReadAsync(file, bytes.AsMemory(at), Start + (long)row * bytes.Length + at, cancellationToken)
                .ConfigureAwait(false);
            if (read == 0)
            {
                throw new InvalidDataException($"Cache file '{Path}' ends within row {row} of {Count}.");
            }
        }

        return MemoryMarshal.Cast<byte, float>(bytes).ToArray();
    }
}
