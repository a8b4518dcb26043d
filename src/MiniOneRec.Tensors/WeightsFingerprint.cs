using System.Security.Cryptography;
using System.Text;
using TorchSharp;
using static TorchSharp.torch;

namespace MiniOneRec.Tensors;

/// <summary>SHA-256 over named tensors: their names, types, shapes and bits.</summary>
internal static class WeightsFingerprint
{
    public static string Of(IEnumerable<(string Name, Tensor Value)> tensors)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        using var noGrad = no_grad();
        foreach (var (name, value) in tensors)
        {
            using var scope = NewDisposeScope();
            hash.AppendData(Encoding.UTF8.GetBytes($"{name}\n{value.dtype} {string.Join(',', value.shape)}\n"));
            var flat = value.detach().cpu().contiguous().view(-1);
            long piece = (1L << 30) / flat.ElementSize;
            for (long at = 0; at < flat.numel(); at += piece)
            {
                hash.AppendData(flat.narrow(0, at, Math.Min(piece, flat.numel() - at)).bytes);
            }
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
