using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The tensors of a checkpoint folder, in one safetensors file or in shards, mapped into memory.</summary>
internal sealed class SafetensorsFolder : IDisposable
{
    public const string SingleFile = "model.safetensors";

    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly List<MappedFile> _files = [];

    private SafetensorsFolder(IReadOnlyDictionary<string, string> shardMap) => ShardMap = shardMap;

    /// <summary>Gets which file holds which tensor; empty where a single file holds all.</summary>
    public IReadOnlyDictionary<string, string> ShardMap { get; }

    /// <summary>Gets the keys.</summary>
    public IReadOnlyCollection<string> Keys => _places.Keys;

    /// <summary>Reads and checks all headers; the data stays where it is.</summary>
    /// <param name="folder">The folder.</param>
    /// <exception cref="FileNotFoundException">No checkpoint lies there, or a shard is missing.</exception>
    /// <exception cref="InvalidDataException">A header or the shard map is malformed.</exception>
    public static SafetensorsFolder Open(string folder)
    {
        string single = Path.Combine(folder, SingleFile), index = Path.Combine(folder, ShardIndex.FileName);
        if (!File.Exists(single) && !File.Exists(index))
        {
            throw new FileNotFoundException($"Folder '{folder}' holds neither {SingleFile} nor {ShardIndex.FileName}.", single);
        }

        var opened = new SafetensorsFolder(File.Exists(single) ? new Dictionary<string, string>() : ShardIndex.Read(index));
        try
        {
            if (opened.ShardMap.Count == 0)
            {
                opened.Add(single, null, index);
            }

            foreach (var shard in opened.ShardMap.GroupBy(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal))
            {
                opened.Add(Path.Combine(folder, shard.Key), [.. shard], index);
            }

            return opened;
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>Finds a tensor's shape and file.</summary>
    public bool TryFind(string key, out SafetensorsEntry entry, out string path)
    {
        bool found = _places.TryGetValue(key, out var place);
        (entry, path) = found ? (place!.Entry, place.Path) : (null!, "");
        return found;
    }

    /// <summary>Makes a tensor that lies on the mapped file.</summary>
    public Tensor View(string key)
    {
        var place = _places[key];
        return place.File.View(place.DataStart + place.Entry.Start, SafetensorsFile.TypeOf(place.Entry.Type, place.Path, key), place.Entry.Shape);
    }

    /// <summary>Lets go of the maps; views that were made stay valid.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    private void Add(string path, string[]? keys, string index)
    {
        var (entries, _, dataStart) = SafetensorsFile.ReadHeader(path);
        var file = new MappedFile(path);
        _files.Add(file);
        foreach (string key in keys ?? [.. entries.Keys])
        {
            _places.Add(key, entries.TryGetValue(key, out var entry)
                ? new Place(entry, path, dataStart, file)
                : throw new InvalidDataException($"'{index}': key '{key}' is said to lie in '{Path.GetFileName(path)}', which does not hold it."));
        }
    }

    private sealed record Place(SafetensorsEntry Entry, string Path, long DataStart, MappedFile File);
}
