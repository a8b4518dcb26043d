using System.Security.Cryptography;
using System.Text;

namespace MiniOneRec.Tensors;

/// <summary>Hashes a folder whatever its format.</summary>
internal static class FolderHash
{
    /// <summary>Returns whether a folder within an artifact is the one that was saved with it.</summary>
    /// <remarks>Where the manifest lists files, <see cref="ArtifactFolder"/> has compared their hashes; version 0.1 wrote one hash of the
    /// folder.</remarks>
    /// <param name="folder">The folder.</param>
    /// <param name="manifest">The artifact's manifest.</param>
    /// <param name="key">The name of the folder's hash in the manifest.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async Task<bool> MatchesAsync(string folder, ArtifactManifest manifest, string key,
        CancellationToken cancellationToken) => Directory.Exists(folder)
        && (manifest.Files.Count > 0
            || await ComputeAsync(folder, cancellationToken).ConfigureAwait(false) == manifest.MadeFrom.GetValueOrDefault(key));

    /// <summary>Computes a SHA-256 over all files with their names, in hexadecimal.</summary>
    public static async Task<string> ComputeAsync(string folder, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in (Directory.Exists(folder) ? Directory.GetFiles(folder, "*", SearchOption.AllDirectories) : [])
            .Order(StringComparer.Ordinal))
        {
            string name = Path.GetRelativePath(folder, path).Replace('\\', '/');
            hash.AppendData(
                Encoding.UTF8.GetBytes($"{name} {await ArtifactManifest.HashFileAsync(path, cancellationToken).ConfigureAwait(false)}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
