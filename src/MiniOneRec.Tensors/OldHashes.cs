using System.Security.Cryptography;
using System.Text;

namespace MiniOneRec.Tensors;

/// <summary>Checks folders of version 0.1, whose manifests keep hashes in <see cref="ArtifactManifest.MadeFrom"/> and list no
/// files.</summary>
/// <remarks>For newer folders these checks do nothing: <see cref="ArtifactFolder"/> has compared the hashes of all files.</remarks>
internal static class OldHashes
{
    /// <summary>Checks a file of an artifact.</summary>
    /// <param name="manifest">The artifact's manifest.</param>
    /// <param name="name">The name of the file's hash in the manifest.</param>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is not the one that was saved.</exception>
    public static async Task CheckFileAsync(ArtifactManifest manifest, string name, string path, CancellationToken cancellationToken)
    {
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"File '{path}' does not exist; the manifest beside it names it.", path);
        }

        if (manifest.Files.Count > 0)
        {
            return;
        }

        string hash = await ArtifactManifest.HashFileAsync(path, cancellationToken).ConfigureAwait(false);
        if (manifest.MadeFrom.GetValueOrDefault(name) is var expected && expected != hash)
        {
            throw new InvalidDataException(
                $"File '{path}' is not the one that its manifest was written for (SHA-256 {hash}; expected {expected ?? "none"}): "
                + "it was damaged or changed, or comes from another fit.");
        }
    }

    /// <summary>Returns whether a folder within an artifact is the one that was saved with it.</summary>
    /// <param name="manifest">The artifact's manifest.</param>
    /// <param name="name">The name of the folder's hash in the manifest.</param>
    /// <param name="folder">The folder.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    public static async Task<bool> MatchFolderAsync(
        ArtifactManifest manifest, string name, string folder, CancellationToken cancellationToken) =>
        Directory.Exists(folder)
        && (manifest.Files.Count > 0
            || await HashFolderAsync(folder, cancellationToken).ConfigureAwait(false) == manifest.MadeFrom.GetValueOrDefault(name));

    /// <summary>Computes the hash of a folder as version 0.1 did: a SHA-256 over all files with their names, in hexadecimal.</summary>
    public static async Task<string> HashFolderAsync(string folder, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        foreach (string path in Directory.GetFiles(folder, "*", SearchOption.AllDirectories).Order(StringComparer.Ordinal))
        {
            string name = Path.GetRelativePath(folder, path).Replace('\\', '/');
            hash.AppendData(
                Encoding.UTF8.GetBytes($"{name} {await ArtifactManifest.HashFileAsync(path, cancellationToken).ConfigureAwait(false)}\n"));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }
}
