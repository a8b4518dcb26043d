using System.Security.Cryptography;
using System.Text;

namespace MiniOneRec.Tensors;

/// <summary>Hashes a folder whatever its format.</summary>
internal static class FolderHash
{
    /// <summary>Computes a SHA-256 over all files with their names, in hexadecimal.</summary>
    public static async Task<string> ComputeAsync(string folder, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in (Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories) : []).Order(StringComparer.Ordinal))
        {
            string name = Path.GetRelativePath(folder, path).Replace('\\', '/');
            hash.AppendData(Encoding.UTF8.GetBytes($"{name} {await ArtifactManifest.HashFileAsync(path, cancellationToken).ConfigureAwait(false)}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
