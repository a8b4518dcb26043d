using System.IO.Compression;
using System.Runtime.CompilerServices;
using System.Text;

namespace MiniOneRec.Datasets;

/// <summary>Opens data files, reads their lines, and says where a bad row is.</summary>
internal static class DataFile
{
    /// <summary>Opens a file, unpacking <c>.gz</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What the file is, for messages, for example <c>Info file</c>.</param>
    /// <param name="expected">What it should hold, for messages.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty.</exception>
    public static Stream Open(string path, string what, string expected)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{what} '{path}' does not exist; expected {expected}.", path);
        }

        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16, FileOptions.Asynchronous | FileOptions.SequentialScan);
        if (stream.Length == 0)
        {
            stream.Dispose();
            throw new InvalidDataException($"{what} '{path}' is empty; expected {expected}.");
        }

        return path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new GZipStream(stream, CompressionMode.Decompress) : stream;
    }

    /// <summary>Reads the lines that are not blank, with their one-based numbers.</summary>
    public static async IAsyncEnumerable<(long Line, string Text)> ReadLinesAsync(
        string path, string what, string expected, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var reader = new StreamReader(Open(path, what, expected), Encoding.UTF8);
        long line = 0, found = 0;
        while (await reader.ReadLineAsync(cancellationToken).ConfigureAwait(false) is { } text)
        {
            line++;
            if (!string.IsNullOrWhiteSpace(text))
            {
                found++;
                yield return (line, text);
            }
        }

        if (found == 0)
        {
            throw new InvalidDataException($"{what} '{path}' holds only blank lines; expected {expected}.");
        }
    }

    /// <summary>Makes the exception for a bad row.</summary>
    /// <param name="path">The file.</param>
    /// <param name="line">The line, one-based.</param>
    /// <param name="column">The column or key, or <see langword="null"/> for the whole row.</param>
    /// <param name="message">What is wrong and what was expected.</param>
    /// <param name="inner">The cause.</param>
    public static InvalidDataException Bad(string path, long line, string? column, string message, Exception? inner = null) =>
        new($"File '{path}', line {line}{(column is null ? "" : $", column '{column}'")}: {message}", inner);

    /// <summary>Shortens a cell for a message.</summary>
    public static string Show(string text) => text.Length <= 60 ? $"'{text}'" : $"'{text[..57]}...'";
}
