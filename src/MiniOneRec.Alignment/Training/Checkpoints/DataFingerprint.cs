using System.Buffers.Binary;
using System.Runtime.InteropServices;
using System.Security.Cryptography;
using System.Text;
using static TorchSharp.torch;

namespace MiniOneRec.Alignment;

/// <summary>SHA-256 over what a run is made from, so that a checkpoint is continued only where everything is the same.</summary>
internal sealed class DataFingerprint : IDisposable
{
    private readonly IncrementalHash _hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);

    public DataFingerprint Add(string text)
    {
        byte[] bytes = Encoding.UTF8.GetBytes(text);
        Span<byte> length = stackalloc byte[4];
        BinaryPrimitives.WriteInt32LittleEndian(length, bytes.Length);
        _hash.AppendData(length);
        _hash.AppendData(bytes);
        return this;
    }

    public DataFingerprint Add(ReadOnlySpan<int> numbers)
    {
        _hash.AppendData(MemoryMarshal.AsBytes(numbers));
        return this;
    }

    public DataFingerprint Add(IEnumerable<SampleTree> trees)
    {
        foreach (var sample in trees.SelectMany(tree => tree.Members))
        {
            Add(sample.Task).Add(sample.Id).Add(sample.Tokens);
            _hash.AppendData(MemoryMarshal.AsBytes<bool>(sample.Labels));
            foreach (var label in sample.SoftLabels)
            {
                Add([label.Position, .. label.Tokens]);
                _hash.AppendData(MemoryMarshal.AsBytes<float>(label.Shares));
            }
        }

        return this;
    }

    public DataFingerprint Add(Tensor tensor)
    {
        using var noGrad = no_grad();
        using var scope = NewDisposeScope();
        var flat = tensor.detach().cpu().contiguous().view(-1);
        long piece = (1L << 30) / flat.ElementSize;
        for (long at = 0; at < flat.numel(); at += piece)
        {
            _hash.AppendData(flat.narrow(0, at, Math.Min(piece, flat.numel() - at)).bytes);
        }

        return this;
    }

    public string Finish() => Convert.ToHexStringLower(_hash.GetHashAndReset());

    public void Dispose() => _hash.Dispose();
}
