using System.Runtime.CompilerServices;
using System.Text;

namespace MiniOneRec.Datasets;

/// <summary>Opens data files, reads their lines, and says where a bad row is.</summary>
internal static class DataFile
{
    private const char Replacement = '\uFFFD', ByteOrderMark = '\uFEFF';

    /// <summary>Opens a file, unpacking <c>.gz</c>.</summary>
    /// <param name="path">The file.</param>
    /// <param name="what">What the file is, for messages, for example <c>Info file</c>.</param>
    /// <param name="expected">What it should hold, for messages.</param>
    /// <param name="limits">How much it may unpack to.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty.</exception>
    public static Stream Open(string path, string what, string expected, ReadLimits limits)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        if (!File.Exists(path))
        {
            throw new FileNotFoundException($"{what} '{path}' does not exist; expected {expected}.", path);
        }

        var stream = new FileStream(path, FileMode.Open, FileAccess.Read, FileShare.Read, 1 << 16,
            FileOptions.Asynchronous | FileOptions.SequentialScan);
        if (stream.Length == 0)
        {
            stream.Dispose();
            throw new InvalidDataException($"{what} '{path}' is empty; expected {expected}.");
        }

        return path.EndsWith(".gz", StringComparison.OrdinalIgnoreCase) ? new UnpackedStream(path, stream, limits) : stream;
    }

    /// <summary>Reads the lines that are not blank, with their one-based numbers.</summary>
    /// <remarks>Bytes that are no UTF-8 and NUL are read as U+FFFD; a byte order mark at the start of a line, as in joined files, is left
    /// out.</remarks>
    public static async IAsyncEnumerable<(long Line, string Text)> ReadLinesAsync(
        string path, string what, string expected, ReadLimits limits,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        using var reader = new StreamReader(Open(path, what, expected, limits), Encoding.UTF8);
        char[] buffer = new char[1 << 14];
        var text = new StringBuilder();
        long line = 0, found = 0;
        bool afterReturn = false;
        while (await reader.ReadAsync(buffer, cancellationToken).ConfigureAwait(false) is > 0 and var read)
        {
            for (int at = 0; at < read;)
            {
                if (afterReturn && buffer[at] == '\n')
                {
                    afterReturn = false;                            // the second half of a line break
                    at++;
                    continue;
                }

                int end = buffer.AsSpan(at, read - at).IndexOfAny('\n', '\r'), length = end < 0 ? read - at : end;
                if (length > limits.MaxValueLength - text.Length)
                {
                    throw TooLong(path, line + 1, "the line", limits);
                }

                text.Append(buffer, at, length);
                at += length;
                afterReturn = end >= 0 && buffer[at] == '\r';
                if (end >= 0)
                {
                    at++;
                    line++;
                    if (Take(text) is { } whole)
                    {
                        found++;
                        yield return (line, whole);
                    }
                }
            }
        }

        if (Take(text) is { } last)
        {
            found++;
            yield return (line + 1, last);
        }

        if (found == 0)
        {
            throw new InvalidDataException($"{what} '{path}' holds only blank lines; expected {expected}.");
        }
    }

    private static string? Take(StringBuilder text)
    {
        string whole = Whole(text.ToString()).TrimStart(ByteOrderMark);
        text.Clear();
        return string.IsNullOrWhiteSpace(whole) ? null : whole;
    }

    /// <summary>Replaces NUL and halves of surrogate pairs with U+FFFD.</summary>
    public static string Whole(string text)
    {
        if (!text.AsSpan().ContainsAnyInRange('\uD800', '\uDFFF') && !text.Contains('\0', StringComparison.Ordinal))
        {
            return text;
        }

        var whole = new StringBuilder(text.Length);
        foreach (var rune in text.EnumerateRunes())                 // gives U+FFFD for half a pair
        {
            whole.Append(rune.Value == 0 ? Replacement.ToString() : rune.ToString());
        }

        return whole.ToString();
    }

    /// <summary>Makes the exception for a bad row.</summary>
    /// <param name="path">The file.</param>
    /// <param name="line">The line, one-based.</param>
    /// <param name="column">The column or key, or <see langword="null"/> for the whole row.</param>
    /// <param name="message">What is wrong and what was expected.</param>
    /// <param name="inner">The cause.</param>
    public static InvalidDataException Bad(string path, long line, string? column, string message, Exception? inner = null) =>
        new($"File '{path}', line {line}{(column is null ? "" : $", column '{column}'")}: {message}", inner);

    /// <summary>Makes the exception for a value that is longer than the limit.</summary>
    public static InvalidDataException TooLong(string path, long line, string what, ReadLimits limits) =>
        Bad(path, line, null,
            $"{what} is longer than {limits.MaxValueLength}; raise {nameof(ReadLimits)}.{nameof(ReadLimits.MaxValueLength)} if the file is "
            + "to be trusted.");

    /// <summary>Shortens a cell for a message.</summary>
    public static string Show(string text) => text.Length <= 60 ? $"'{text}'" : $"'{text[..57]}...'";
}
