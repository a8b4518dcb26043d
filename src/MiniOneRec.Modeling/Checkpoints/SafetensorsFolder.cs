using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Modeling;

/// <summary>The tensors of a checkpoint folder, in one safetensors file or in shards, mapped into memory.</summary>
internal sealed class SafetensorsFolder : IDisposable
{
    public const string SingleFile = "model.safetensors";

    private readonly Dictionary<string, Place> _places = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Place> _unlisted = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string> _absent = new(StringComparer.Ordinal);
    private readonly List<MappedFile> _files = [];

    private SafetensorsFolder(IReadOnlyDictionary<string, string> shardMap) => ShardMap = shardMap;

    /// <summary>Gets which file holds which tensor; empty where a single file holds all.</summary>
    public IReadOnlyDictionary<string, string> ShardMap { get; private set; }

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
                opened.Add(single, null);
            }

            foreach (var shard in opened.ShardMap.GroupBy(pair => pair.Value, pair => pair.Key, StringComparer.Ordinal))
            {
                opened.Add(Path.Combine(folder, shard.Key), [.. shard]);
            }

            // Tools that tie or drop the head keep the map of the original: what no shard holds is missed where a model needs it.
            if (opened._absent.Count > 0)
            {
                opened.ShardMap = opened.Found();
                if (opened.ShardMap.Count == 0)
                {
                    throw new InvalidDataException(
                        $"'{index}': none of the files holds what the map says; "
                        + $"key '{opened._absent.Keys.First()}' is one of {opened._absent.Count}.");
                }
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
        bool found = _places.TryGetValue(key, out var place) || _unlisted.TryGetValue(key, out place);
        (entry, path) = found ? (place!.Entry, place.Path) : (null!, "");
        return found;
    }

    /// <summary>Gets the file in which the shard map places a tensor that no file holds, or <see langword="null"/>.</summary>
    public string? ClaimedFileOf(string key) => _absent.GetValueOrDefault(key);

    /// <summary>Makes a tensor that lies on the mapped file.</summary>
    public Tensor View(string key)
    {
        var place = _places.TryGetValue(key, out var listed) ? listed : _unlisted[key];
        return place.File.View(place.DataStart + place.Entry.Start, SafetensorsHeader.TypeOf(place.Entry.Type, place.Path, key),
            place.Entry.Shape);
    }

    /// <summary>Lets go of the maps; views that were made stay valid.</summary>
    public void Dispose() => _files.ForEach(file => file.Dispose());

    // The map without what no shard holds, and with the right file for what lies in another shard.
    private Dictionary<string, string> Found()
    {
        foreach (string key in _absent.Keys.Where(_unlisted.ContainsKey).ToArray())
        {
            _places.Add(key, _unlisted[key]);
            _absent.Remove(key);
        }

        return ShardMap.Where(pair => _places.ContainsKey(pair.Key))
            .ToDictionary(pair => pair.Key, pair => Path.GetFileName(_places[pair.Key].Path), StringComparer.Ordinal);
    }

    private void Add(string path, string[]? keys)
    {
        string name = Path.GetFileName(path);
        if (keys is not null && !File.Exists(path) && keys.All(DecoderTensorNames.IsRedundant))
        {
            Array.ForEach(keys, key => _absent.Add(key, name));
            return;
        }

        var (entries, _, dataStart) = SafetensorsHeader.Read(path);
        var file = new MappedFile(path);
        _files.Add(file);
        foreach (string key in keys ?? [.. entries.Keys])
        {
            if (entries.TryGetValue(key, out var entry))
            {
                _places.Add(key, new Place(entry, path, dataStart, file));
            }
            else
            {
                _absent.Add(key, name);
            }
        }

        foreach (var entry in entries.Values)
        {
            _unlisted.TryAdd(entry.Name, new Place(entry, path, dataStart, file));
        }
    }

    private sealed record Place(SafetensorsEntry Entry, string Path, long DataStart, MappedFile File);
}
