using System.Text;

namespace MiniOneRec.Abstractions.Tests;

public sealed class JsonTextTests
{
    public static TheoryData<string, string> Texts => new()
    {
        { """["a\ud83d"]""", """["a\ufffd"]""" },
        { """["\ud83d\ude00"]""", """["\ud83d\ude00"]""" },
        { """["\uD83D\uDE00\uDE00"]""", """["\uD83D\uDE00\ufffd"]""" },
        { """["\ud83d\ud83d\ude00"]""", """["\ufffd\ud83d\ude00"]""" },
        { """["\\ud83d"]""", """["\\ud83d"]""" },
        { """["\\\ud83d\\"]""", """["\\\ufffd\\"]""" },
        { """["\u0000\u0041"]""", """["\ufffd\u0041"]""" },
        { """["\ud83dx\n"]""", """["\ufffdx\n"]""" },
        { """["\ud83""", """["\ud83""" },
        { """["\""", """["\""" },
        { "[\"é😀\"]", "[\"é😀\"]" },
    };

    [Theory]
    [MemberData(nameof(Texts))]
    public void Repair_InPiecesOfAnySize_IsTheSame(string text, string expected)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);

        Assert.Equal(expected, Encoding.UTF8.GetString(JsonText.Repair(bytes).Span));
        for (int size = 1; size <= bytes.Length; size++)
        {
            using var repaired = new StreamReader(JsonText.Repair(new Pieces(bytes, size)));
            Assert.Equal(expected, repaired.ReadToEnd());
        }
    }

    [Theory]
    [InlineData(new byte[] { (byte)'a', 0xE9, (byte)'b' }, "a\uFFFDb")]
    [InlineData(new byte[] { 0xF0, 0x9F, 0x98 }, "\uFFFD")]
    [InlineData(new byte[] { 0xED, 0xA0, 0x80, (byte)'\\', 0xC3, 0xA9 }, "\uFFFD\uFFFD\uFFFD\\é")]
    [InlineData(new byte[] { 0xC3, (byte)'\\', (byte)'n' }, "\uFFFD\\n")]
    public void Repair_NoUtf8_IsReplaced(byte[] bytes, string expected)
    {
        Assert.Equal(expected, Encoding.UTF8.GetString(JsonText.Repair(bytes).Span));
        for (int size = 1; size <= bytes.Length; size++)
        {
            using var repaired = new StreamReader(JsonText.Repair(new Pieces(bytes, size)));
            Assert.Equal(expected, repaired.ReadToEnd());
        }
    }

    [Fact]
    public void Repair_WholeText_IsNotCopied()
    {
        ReadOnlyMemory<byte> bytes = Encoding.UTF8.GetBytes("{\"a\": \"é\\n\"}");

        Assert.Equal(bytes, JsonText.Repair(bytes));
    }

    private sealed class Pieces(byte[] bytes, int size) : MemoryStream(bytes)
    {
        public override int Read(Span<byte> buffer) => base.Read(buffer[..Math.Min(size, buffer.Length)]);
    }
}
