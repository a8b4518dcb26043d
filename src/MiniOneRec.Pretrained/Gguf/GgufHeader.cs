using Microsoft.Win32.SafeHandles;

namespace MiniOneRec.Pretrained;

/// <summary>Metadata and tensor table of a GGUF file, version 3, checked before anything else is done with the file.</summary>
internal sealed class GgufHeader
{
    private const uint Magic = 0x46554747;                  // "GGUF"
    private const int MaxEntries = 1 << 16;
    private const int MaxDimensions = 4;
    private const int MaxKeyBytes = 1 << 16;
    private const int MaxNesting = 4;

    private readonly GgufReader _reader;
    private readonly string _path;
    private readonly Dictionary<string, GgufValue> _metadata = new(StringComparer.Ordinal);
    private readonly Dictionary<string, GgufTensor> _tensors = new(StringComparer.Ordinal);

    /// <exception cref="InvalidDataException">The file is malformed; the message names file, place and what was expected.</exception>
    public GgufHeader(SafeFileHandle handle, string path)
    {
        (_reader, _path) = (new GgufReader(handle, path), path);
        uint magic = _reader.U32(), version = _reader.U32();
        if (magic != Magic || version != 3)
        {
            throw _reader.Bad(
                $"the file begins with {magic:x8} and version {version}; expected {Magic:x8} (GGUF, little-endian) and version 3");
        }

        ulong tensors = _reader.U64(), entries = _reader.U64();
        if (tensors > MaxEntries || entries > MaxEntries)
        {
            throw _reader.Bad($"{tensors} tensors and {entries} metadata entries; expected at most {MaxEntries} of each");
        }

        ReadMetadata((int)entries);
        ReadTensors((int)tensors);
    }

    /// <summary>Gets the tensors by name.</summary>
    public IReadOnlyDictionary<string, GgufTensor> Tensors => _tensors;

    /// <summary>Gets the file, for messages.</summary>
    public string Path => _path;

    /// <summary>Gets the keys of the metadata.</summary>
    public IReadOnlyCollection<string> Keys => _metadata.Keys;

    /// <summary>Gets a value, or <see langword="null"/> where it is missing or an array.</summary>
    public object? Scalar(string key) => _metadata.TryGetValue(key, out var value) && !value.IsArray ? value.Scalar : null;

    /// <summary>Returns whether a key exists.</summary>
    public bool Has(string key) => _metadata.ContainsKey(key);

    /// <summary>Gets a string.</summary>
    public string? Text(string key) => Scalar<string>(key, "a string");

    /// <summary>Gets a whole number that fits an <see cref="int"/>.</summary>
    public int? Integer(string key) =>
        Scalar<object>(key, "a whole number") is not { } value ? null
        : value is long and >= 0 and <= int.MaxValue ? (int)(long)value
        : throw Bad(key, value.ToString(), "a whole number from 0 on");

    /// <summary>Gets a truth value.</summary>
    public bool? Flag(string key) => Scalar<object>(key, "true or false") switch
    {
        null => null,
        bool flag => flag,
        var value => throw Bad(key, value.ToString(), "true or false"),
    };

    /// <summary>Gets a number.</summary>
    public double? Number(string key) =>
        Scalar<object>(key, "a number") is not { } value ? null
        : value is double number && double.IsFinite(number) ? number
        : value is long whole ? whole
        : throw Bad(key, value.ToString(), "a finite number");

    /// <summary>Reads an array of strings from the file.</summary>
    public IEnumerable<string> Texts(string key)
    {
        var array = Array(key, GgufValueType.String);
        _reader.Position = array.Start;
        for (long i = 0; i < array.Count; i++)
        {
            yield return _reader.Text(key, MaxKeyBytes);
        }
    }

    /// <summary>Reads an array of 32-bit integers from the file.</summary>
    public IEnumerable<int> Integers(string key)
    {
        var array = Array(key, GgufValueType.Int32, GgufValueType.UInt32);
        _reader.Position = array.Start;
        for (long i = 0; i < array.Count; i++)
        {
            yield return (int)_reader.U32();
        }
    }

    /// <summary>Gets the number of elements of an array.</summary>
    public long CountOf(string key) => _metadata.TryGetValue(key, out var value) && value.IsArray ? value.Count : 0;

    public InvalidDataException Bad(string key, string? value, string expected) =>
        new($"GGUF file '{_path}': key '{key}' is {value ?? "missing"}; expected {expected}.");

    private GgufValue Array(string key, params GgufValueType[] types) =>
        _metadata.TryGetValue(key, out var value) && value.IsArray && types.Contains(value.Type)
            ? value
            : throw Bad(key, value is null ? null : $"of type {value.Type}", $"an array of {types[0]}");

    private T? Scalar<T>(string key, string expected)
        where T : class =>
        !_metadata.TryGetValue(key, out var value) ? null
        : value.Scalar as T ?? throw Bad(key, value.IsArray ? "an array" : value.Scalar?.ToString(), expected);

    private void ReadMetadata(int count)
    {
        _reader.Expect((ulong)count, 13, "metadata");
        for (int i = 0; i < count; i++)
        {
            string key = _reader.Text("a metadata key", MaxKeyBytes);
            if (!_metadata.TryAdd(key, ReadValue(key, TypeOf(_reader.U32(), key), 0)))
            {
                throw _reader.Bad($"the metadata key '{key}' comes twice");
            }
        }
    }

    private GgufValue ReadValue(string key, GgufValueType type, int depth)
    {
        if (type == GgufValueType.String)
        {
            return new GgufValue(type, false, _reader.Text(key, long.MaxValue), 0, 0);
        }

        if (type != GgufValueType.Array)
        {
            return new GgufValue(type, false, GgufValue.FromBits(type, _reader.Bits(GgufValue.SizeOf(type))), 0, 0);
        }

        var element = TypeOf(_reader.U32(), key);
        ulong count = _reader.U64();
        int size = GgufValue.SizeOf(element);
        _reader.Expect(count, size > 0 ? (ulong)size : element == GgufValueType.String ? 8u : 12u, $"the array '{key}'");
        var value = new GgufValue(element, true, null, _reader.Position, (long)count);
        if (size > 0)
        {
            _reader.Position += (long)count * size;
            return value;
        }

        if (depth == MaxNesting)
        {
            throw _reader.Bad($"the array '{key}' is nested more than {MaxNesting} deep");
        }

        for (ulong i = 0; i < count; i++)
        {
            if (element == GgufValueType.String)
            {
                _reader.SkipText(key);
            }
            else
            {
                ReadValue(key, element, depth + 1);
            }
        }

        return value;
    }

    private GgufValueType TypeOf(uint type, string key) =>
        type <= (uint)GgufValueType.Float64 ? (GgufValueType)type
            : throw _reader.Bad($"the metadata key '{key}' has the unknown type {type}");

    private void ReadTensors(int count)
    {
        _reader.Expect((ulong)count, 32, "the tensor table");
        var table = new List<(string Name, long[] Shape, GgufTensorType Type, ulong Offset)>(count);
        for (int i = 0; i < count; i++)
        {
            string name = _reader.Text("a tensor's name", 256);
            uint dimensions = _reader.U32();
            if (dimensions is 0 or > MaxDimensions)
            {
                throw _reader.Bad($"tensor '{name}' has {dimensions} dimensions; expected 1 to {MaxDimensions}");
            }

            var shape = new long[dimensions];
            for (int d = (int)dimensions - 1; d >= 0; d--)
            {
                ulong length = _reader.U64();
                shape[d] = length is > 0 and <= 1L << 40 ? (long)length : throw _reader.Bad($"tensor '{name}' has a dimension of {length}");
            }

            table.Add((name, shape, GgufBlocks.TypeOf(_reader.U32())
                ?? throw _reader.Bad($"tensor '{name}' is stored in a way that is not supported"), _reader.U64()));
        }

        long alignment = Integer("general.alignment") ?? 32;
        if (alignment is < 8 or > 1 << 20 || !System.Numerics.BitOperations.IsPow2(alignment))
        {
            throw Bad("general.alignment", $"{alignment}", "a power of two from 8 on");
        }

        long dataStart = (_reader.Position + alignment - 1) / alignment * alignment, end = 0;
        foreach (var (name, shape, type, offset) in table.OrderBy(entry => entry.Offset))
        {
            Int128 bytes = GgufBlocks.BytesOf(type, shape);
            if (bytes < 0)
            {
                throw _reader.Bad(
                    $"tensor '{name}' has rows of {shape[^1]} elements; {type} needs a multiple of {GgufBlocks.ElementsOf(type)}");
            }

            if (offset % (ulong)alignment != 0 || offset < (ulong)end || dataStart + (Int128)offset + bytes > _reader.Length)
            {
                throw _reader.Bad(
                    $"tensor '{name}' spans data bytes {offset} to {offset + bytes}; expected {end} or more, "
                    + $"a multiple of {alignment}, and an end within the file");
            }

            end = (long)(offset + (ulong)bytes);
            if (!_tensors.TryAdd(name, new GgufTensor(name, type, shape, dataStart + (long)offset, (long)bytes)))
            {
                throw _reader.Bad($"the tensor '{name}' comes twice");
            }
        }
    }
}
