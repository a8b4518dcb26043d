namespace MiniOneRec.Tensors;

/// <summary>Measures files. <see cref="FileInfo.Length"/> gives the length of a symbolic link itself, and caches of models hold links to
/// their files.</summary>
internal static class FileSize
{
    /// <summary>Gets the length in bytes of a file, or of the file that a link leads to.</summary>
    /// <param name="path">The file.</param>
    public static long Of(string path)
    {
        using var handle = File.OpenHandle(path, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete);
        return RandomAccess.GetLength(handle);
    }
}
