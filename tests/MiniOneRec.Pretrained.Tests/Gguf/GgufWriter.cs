using System.Text;

namespace MiniOneRec.Pretrained.Tests.Gguf;

/// <summary>Writes GGUF files, good ones and bad ones.</summary>
public sealed class GgufWriter : IDisposable
{
    private readonly List<(string Name, long[] Shape, uint Type, ulong? Offset, byte[] Data)> _tensors = [];
    private readonly MemoryStream _metadata = new();
    private ulong _entries;

    public uint Version { get; set; } = 3;

    public ulong? TensorCount { get; set; }

    public ulong? EntryCount { get; set; }

    public GgufWriter Raw(string key, uint type, Action<BinaryWriter> value)
    {
        var writer = new BinaryWriter(_metadata);
        Text(writer, key);
        writer.Write(type);
        value(writer);
        _entries++;
        return this;
    }

    public GgufWriter Number(string key, uint value) => Raw(key, 4, w => w.Write(value));

    public GgufWriter Real(string key, float value) => Raw(key, 6, w => w.Write(value));

    public GgufWriter Word(string key, string value) => Raw(key, 8, w => Text(w, value));

    public GgufWriter Strings(string key, IReadOnlyCollection<string> values) => Raw(key, 9, w =>
    {
        w.Write(8u);
        w.Write((ulong)values.Count);
        foreach (string value in values)
        {
            Text(w, value);
        }
    });

    public GgufWriter Integers(string key, IReadOnlyCollection<int> values) => Raw(key, 9, w =>
    {
        w.Write(5u);
        w.Write((ulong)values.Count);
        foreach (int value in values)
        {
            w.Write(value);
        }
    });

    /// <param name="name">The name.</param>
    /// <param name="shape">Slowest dimension first.</param>
    /// <param name="type">The element type.</param>
    /// <param name="data">The bytes.</param>
    /// <param name="offset">A wrong offset to write instead of the right one.</param>
    public GgufWriter Tensor(string name, long[] shape, uint type, byte[] data, ulong? offset = null)
    {
        _tensors.Add((name, shape, type, offset, data));
        return this;
    }

    public byte[] ToArray()
    {
        using var file = new MemoryStream();
        var writer = new BinaryWriter(file);
        writer.Write("GGUF"u8);
        writer.Write(Version);
        writer.Write(TensorCount ?? (ulong)_tensors.Count);
        writer.Write(EntryCount ?? _entries);
        _metadata.WriteTo(file);
        ulong at = 0;
        foreach (var (name, shape, type, offset, data) in _tensors)
        {
            Text(writer, name);
            writer.Write((uint)shape.Length);
            foreach (long length in shape.Reverse())
            {
                writer.Write(length);
            }

            writer.Write(type);
            writer.Write(offset ?? at);
            at += ((ulong)data.Length + 31) / 32 * 32;
        }

        foreach (var (_, _, _, _, data) in _tensors)
        {
            Pad(writer);
            writer.Write(data);
        }

        return file.ToArray();
    }

    public void Dispose() => _metadata.Dispose();

    public static void Text(BinaryWriter writer, string value)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(value);
        writer.Write((ulong)bytes.Length);
        writer.Write(bytes);
    }

    private static void Pad(BinaryWriter writer)
    {
        while (writer.BaseStream.Position % 32 != 0)
        {
            writer.Write((byte)0);
        }
    }
}
