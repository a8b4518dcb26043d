using System.Runtime.InteropServices;
using System.Text;

namespace MiniOneRec.Encoders.Onnx.Tests;

/// <summary>Writes sentence-transformers folders whose model looks each token's vector up in a table, in ONNX's protobuf form.</summary>
internal sealed class TinyModel : IDisposable
{
    public static readonly string[] Vocabulary = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "red", "blue", "tent", "##s", "™", "a"];

    public TinyModel(bool types = true)
    {
        Directory.CreateDirectory(Path);
        File.WriteAllBytes(File_("model.onnx"), Lookup(types));
        File.WriteAllLines(File_("vocab.txt"), Vocabulary);
    }

    public string Path { get; } = System.IO.Path.Combine(System.IO.Path.GetTempPath(), "minionerec-" + Guid.NewGuid().ToString("N"));

    /// <summary>The vector of a token: its id, its id squared, 1.</summary>
    public static float[] Vector(int id) => [id, id * id, 1];

    public static float[] Mean(params int[] ids) => [.. Enumerable.Range(0, 3).Select(i => ids.Average(id => Vector(id)[i]))];

    public string File_(string name) => System.IO.Path.Combine(Path, name);

    public void Write(string name, string content)
    {
        Directory.CreateDirectory(System.IO.Path.GetDirectoryName(File_(name))!);
        File.WriteAllText(File_(name), content);
    }

    public void Dispose() => Directory.Delete(Path, recursive: true);

    /// <summary>Makes the bytes of a model.</summary>
    /// <param name="types">Whether it takes token types.</param>
    /// <param name="extraInput">An input that no sentence model has, or <see langword="null"/>.</param>
    public static byte[] Lookup(bool types, string? extraInput = null)
    {
        float[] table = [.. Enumerable.Range(0, Vocabulary.Length).SelectMany(Vector)];
        byte[] tensor = [.. Number(1, Vocabulary.Length), .. Number(1, 3), .. Number(2, 1), .. Text(8, "table"),
            .. Bytes(9, MemoryMarshal.AsBytes(table.AsSpan()).ToArray())];
        byte[] node = [.. Text(1, "table"), .. Text(1, "input_ids"), .. Text(2, "last_hidden_state"), .. Text(4, "Gather")];
        string[] inputs = ["input_ids", "attention_mask", .. types ? ["token_type_ids"] : Array.Empty<string>(),
            .. extraInput is null ? Array.Empty<string>() : [extraInput]];
        byte[] graph =
        [
            .. Bytes(1, node), .. Text(2, "lookup"), .. Bytes(5, tensor),
            .. inputs.SelectMany(input => Bytes(11, Value(input, 7, [Text(2, "b"), Text(2, "t")]))),
            .. Bytes(12, Value("last_hidden_state", 1, [Text(2, "b"), Text(2, "t"), Number(1, 3)])),
        ];
        return [.. Number(1, 8), .. Bytes(7, graph), .. Bytes(8, [.. Text(1, ""), .. Number(2, 13)])];
    }

    private static byte[] Value(string name, int type, byte[][] dimensions) =>
        [.. Text(1, name),
            .. Bytes(2, Bytes(1, [.. Number(1, type), .. Bytes(2, [.. dimensions.SelectMany(dimension => Bytes(1, dimension))])]))];

    private static byte[] Number(int field, long value) => [(byte)(field << 3), .. Varint(value)];

    private static byte[] Text(int field, string value) => Bytes(field, Encoding.UTF8.GetBytes(value));

    private static byte[] Bytes(int field, byte[] value) => [(byte)(field << 3 | 2), .. Varint(value.Length), .. value];

    private static byte[] Varint(long value)
    {
        var bytes = new List<byte>();
        for (; value >= 128; value >>= 7)
        {
            bytes.Add((byte)(value & 127 | 128));
        }

        return [.. bytes, (byte)value];
    }
}
