using System.Globalization;
using System.Text.RegularExpressions;
using MiniOneRec.Tensors;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Training;

/// <summary>The tensors of a checkpoint: one file, or one of each process with the parts that it had.</summary>
/// <remarks>In the files of several processes the key <c>name@7</c> holds the values of a tensor from the seventh on, and the metadata
/// give its shape under its name.</remarks>
internal sealed partial class StateFiles
{
    /// <summary>The file of a single process.</summary>
    public const string Whole = "state.safetensors";

    private readonly Dictionary<string, List<Piece>> _pieces = new(StringComparer.Ordinal);
    private readonly string _path;

    private StateFiles(string folder)
    {
        string[] shards = Shards(folder);
        _path = shards.Length == 0 ? Path.Combine(folder, Whole) : folder;
        foreach (string path in shards.Length == 0 ? [_path] : shards)
        {
            Add(path, isShard: shards.Length > 0);
        }
    }

    /// <summary>Reads what a checkpoint holds, without the values.</summary>
    /// <exception cref="InvalidDataException">A file is damaged.</exception>
    public static StateFiles Open(string folder) => new(folder);

    /// <summary>Gets the name of the file of a process.</summary>
    public static string ShardFile(int rank, int ranks) =>
        string.Create(CultureInfo.InvariantCulture, $"state-{rank:D5}-of-{ranks:D5}.safetensors");

    /// <summary>Lists the files of several processes that lie in a checkpoint.</summary>
    public static string[] Shards(string folder) =>
        [.. Directory.EnumerateFiles(folder, "state-*.safetensors").Where(path => ShardName().IsMatch(Path.GetFileName(path)))
            .Order(StringComparer.Ordinal)];

    /// <summary>Writes the file of one process.</summary>
    /// <param name="path">The file.</param>
    /// <param name="parts">What the process has.</param>
    public static Task SaveShardAsync(string path, IReadOnlyList<StatePart> parts)
    {
        var shapes = parts.DistinctBy(part => part.Name)
            .ToDictionary(part => part.Name, part => string.Join(',', part.Shape), StringComparer.Ordinal);
        return SafetensorsFile.SaveAsync(path, [.. parts.Select(part => (KeyOf(part), part.Value))], shapes);
    }

    /// <summary>Gets whether there is a tensor of a name.</summary>
    public bool Has(string name) => _pieces.ContainsKey(name);

    /// <summary>Reads tensors, put together.</summary>
    /// <param name="names">Their names, or <see langword="null"/> for all.</param>
    /// <exception cref="InvalidDataException">A file is damaged, or a part is missing.</exception>
    public StoredTensors Load(IEnumerable<string>? names = null)
    {
        var tensors = new Dictionary<string, Tensor>(StringComparer.Ordinal);
        foreach (string name in (names ?? _pieces.Keys).Where(_pieces.ContainsKey))
        {
            tensors[name] = Assemble(name, _pieces[name]);
        }

        return new StoredTensors(_path, tensors);
    }

    [GeneratedRegex(@"^state-\d{5}-of-\d{5}\.safetensors$")]
    private static partial Regex ShardName();

    private static string KeyOf(StatePart part) => string.Create(CultureInfo.InvariantCulture, $"{part.Name}@{part.At}");

    private void Add(string path, bool isShard)
    {
        var (entries, metadata, start) = SafetensorsHeader.Read(path);
        foreach (var entry in entries.Values)
        {
            var (name, at, shape) = isShard ? Parse(path, entry.Name, metadata) : (entry.Name, 0, entry.Shape);
            if (!_pieces.TryGetValue(name, out var pieces))
            {
                _pieces[name] = pieces = [];
            }

            if (pieces.Count > 0 && !pieces[0].Shape.SequenceEqual(shape))
            {
                throw new InvalidDataException(
                    $"File '{path}', key '{entry.Name}' is of a tensor of shape [{string.Join(", ", shape)}]; another file has "
                    + $"[{string.Join(", ", pieces[0].Shape)}].");
            }

            pieces.Add(new Piece(path, start, entry, shape, at));
        }
    }

    private static (string Name, long At, long[] Shape) Parse(string path, string key, IReadOnlyDictionary<string, string> metadata)
    {
        int mark = key.LastIndexOf('@');
        if (mark > 0 && long.TryParse(key.AsSpan(mark + 1), NumberStyles.None, CultureInfo.InvariantCulture, out long at)
            && metadata.TryGetValue(key[..mark], out string? text))
        {
            long[] shape = [.. text.Split(',', StringSplitOptions.RemoveEmptyEntries)
                .Select(size => long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out long number) ? number : -1)];
            if (Array.TrueForAll(shape, size => size >= 0))
            {
                return (key[..mark], at, shape);
            }
        }

        throw new InvalidDataException($"File '{path}', key '{key}' is no part of a tensor whose shape the metadata give.");
    }

    private Tensor Assemble(string name, List<Piece> pieces)
    {
        var (path, start, entry, shape, _) = pieces[0];
        if (pieces.Count == 1 && entry.Shape.SequenceEqual(shape))
        {
            using var stream = File.OpenRead(path);
            return SafetensorsFile.Read(stream, start, entry, path);
        }

        double expected = shape.Aggregate(1.0, (product, length) => product * length);
        long size = pieces.Sum(piece => piece.Entry.Shape.Aggregate(1L, (product, length) => product * length)), next = 0;
        if (size != expected)
        {
            throw new InvalidDataException(
                $"Checkpoint '{_path}': the parts of tensor '{name}' have {size} values; its shape is [{string.Join(", ", shape)}].");
        }

        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        Tensor? flat = null;
        foreach (var piece in pieces.OrderBy(piece => piece.At))
        {
            using var stream = File.OpenRead(piece.Path);
            var values = SafetensorsFile.Read(stream, piece.Start, piece.Entry, piece.Path);
            using (values)
            {
                flat ??= empty([size], dtype: values.dtype);
                if (piece.At != next)
                {
                    throw new InvalidDataException(
                        $"Checkpoint '{_path}': the parts of tensor '{name}' end at value {next} and go on at {piece.At}.");
                }

                flat.narrow(0, next, values.numel()).copy_(values.view(-1));
                next += values.numel();
            }
        }

        return flat!.view(shape).DetachFromDisposeScope();
    }

    private sealed record Piece(string Path, long Start, SafetensorsEntry Entry, long[] Shape, long At);
}
