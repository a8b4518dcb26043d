using System.Security.Cryptography;
using Microsoft.Extensions.Options;
using MiniOneRec.Modeling;

namespace MiniOneRec.AspNetCore;

/// <summary>The model folders below the configured root.</summary>
/// <remarks>
/// A name that a request gives is compared with the names of the folders that are there; it never becomes part of a path. A folder whose
/// real place, links followed, is outside of the root is not listed.
/// </remarks>
internal sealed class ModelFolders(IOptions<ServingOptions> options)
{
    private const string Model = "model";
    private const string Index = "index";

    private string Root => Path.GetFullPath(options.Value.ModelRoot);

    /// <summary>Gets the names that can be loaded.</summary>
    public IReadOnlyList<string> Names() => !Directory.Exists(Root) ? []
        : [.. Inside().Where(folder => ModelOf(folder) is not null).Select(folder => folder.Name).Order(StringComparer.Ordinal)];

    /// <summary>Finds a model.</summary>
    /// <param name="name">Its name.</param>
    /// <returns>The folder of the model, and the folder with <c>catalogue</c> and <c>encoder</c> where there is one.</returns>
    /// <exception cref="ServingProblem">404 where no folder has the name.</exception>
    public (string Folder, string? Index) Find(string name)
    {
        var folder = Directory.Exists(Root)
            ? Inside().FirstOrDefault(candidate => string.Equals(candidate.Name, name, StringComparison.Ordinal)) : null;
        if (folder is null || ModelOf(folder) is not { } model)
        {
            throw ServingProblem.NotFound("The configured root has no model of that name; GET /v1/models lists those that there are.");
        }

        string? index = options.Value.Index.Length > 0
            ? Inside().FirstOrDefault(candidate => string.Equals(candidate.Name, options.Value.Index, StringComparison.Ordinal))?.FullName
                ?? throw new DirectoryNotFoundException($"'{Root}' has no folder '{options.Value.Index}', which Serving:Index names.")
            : new[] { Path.Combine(folder.FullName, Index), Path.Combine(Root, Index) }.FirstOrDefault(HasCatalogue);
        return (model, index);
    }

    /// <summary>Gets a hash of a model's manifest, which holds the hashes of its files.</summary>
    public static async Task<string> RevisionAsync(string folder, CancellationToken cancellationToken) => Convert.ToHexStringLower(
        SHA256.HashData(await File.ReadAllBytesAsync(Path.Combine(folder, ModelFolder.ManifestFile),
            cancellationToken).ConfigureAwait(false)))[..12];

    private IEnumerable<DirectoryInfo> Inside()
    {
        string root = new DirectoryInfo(Root).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Root;
        return new DirectoryInfo(Root).EnumerateDirectories().Where(folder =>
            (folder.ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? Path.Combine(root, folder.Name))
                .StartsWith(Path.TrimEndingDirectorySeparator(root) + Path.DirectorySeparatorChar, StringComparison.Ordinal));
    }

    private static string? ModelOf(DirectoryInfo folder)
    {
        string inRun = Path.Combine(folder.FullName, Model);
        return IsModel(inRun) ? inRun : IsModel(folder.FullName) ? folder.FullName : null;
    }

    private static bool IsModel(string folder) => File.Exists(Path.Combine(folder, ModelFolder.ManifestFile));

    private static bool HasCatalogue(string folder) => Directory.Exists(Path.Combine(folder, ModelCatalogue.Folder));
}
