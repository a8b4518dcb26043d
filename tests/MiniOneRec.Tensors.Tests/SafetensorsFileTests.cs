using System.Buffers.Binary;
using System.Text;
using MiniOneRec.Tensors;

namespace MiniOneRec.Tensors.Tests;

public sealed class SafetensorsFileTests
{
    [Theory]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"b":{"dtype":"F32","shape":[2],"data_offsets":[4,12]}}""", 12, "neither overlap")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[-8,0]}}""", 8, "spans bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,800]}}""", 8, "spans bytes")]
    [InlineData("""{"a":{"dtype":"F32","shape":[4611686018427387904,4],"data_offsets":[0,8]}}""", 8, "has shape")]
    [InlineData("""{"a":{"dtype":"F32","shape":[-2],"data_offsets":[0,8]}}""", 8, "has shape")]
    [InlineData("""{"a":{"dtype":"F77","shape":[2],"data_offsets":[0,8]}}""", 8, "not supported")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]},"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 8, "Duplicate")]
    [InlineData("""{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}""", 9, "describes 8")]
    [InlineData("""{"a":[[[[[[[[[[1]]]]]]]]]]}""", 0, "depth")]
    [InlineData("""{"a":{"dtype":3,"shape":[2],"data_offsets":[0,8]}}""", 8, "JSON")]
    [InlineData("[]", 0, "no JSON object")]
    public void ReadHeader_HostileHeader_IsRefused(string header, int dataBytes, string problem)
    {
        using var file = new TemporaryFile(Bytes((ulong)header.Length, header, dataBytes));

        var error = Assert.Throws<InvalidDataException>(() => SafetensorsHeader.Read(file.Path));

        Assert.Contains(problem, error.Message, StringComparison.OrdinalIgnoreCase);
        Assert.Contains(file.Path, error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData(100_000_000UL)]
    [InlineData(ulong.MaxValue)]
    public void ReadHeader_HeaderLongerThanFile_IsRefused(ulong length)
    {
        using var file = new TemporaryFile(Bytes(length, "{}", 0));

        Assert.Throws<InvalidDataException>(() => SafetensorsHeader.Read(file.Path));
    }

    private static byte[] Bytes(ulong length, string header, int dataBytes)
    {
        byte[] bytes = new byte[8 + header.Length + dataBytes];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, length);
        Encoding.ASCII.GetBytes(header, bytes.AsSpan(8));
        return bytes;
    }
}
