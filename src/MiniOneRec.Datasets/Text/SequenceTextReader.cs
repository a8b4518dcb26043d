using System.Runtime.CompilerServices;

namespace MiniOneRec.Datasets;

/// <summary>Reads plain text with one user per line: <c>user item item …</c>, separated by spaces or tabs, oldest item first.</summary>
public static class SequenceTextReader
{
    /// <summary>Reads sequences one by one.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty, a line has no item, or a user comes twice; the message names file and
    /// line.</exception>
    public static IAsyncEnumerable<UserSequence> ReadAsync(string path, CancellationToken cancellationToken = default) =>
        ReadAsync(path, null, cancellationToken);

    /// <summary>Reads sequences one by one, with other limits than the defaults.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="limits">How much the file may unpack to and how long a value may be, or <see langword="null"/> for the
    /// defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is bad or above a limit; the message names file, line and column or key.</exception>
    public static async IAsyncEnumerable<UserSequence> ReadAsync(
        string path, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var seen = new Dictionary<string, long>(StringComparer.Ordinal);
        await foreach (var (line, text) in DataFile.ReadLinesAsync(
            path, "Interaction file", "lines of a user and item ids", limits ?? ReadLimits.Default, cancellationToken)
            .ConfigureAwait(false))
        {
            string[] parts = text.Split((char[])[' ', '\t'], StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
            if (parts.Length < 2)
            {
                throw DataFile.Bad(path, line, null, $"{DataFile.Show(text)} has no items; expected a user and at least one item id.");
            }

            if (!seen.TryAdd(parts[0], line))
            {
                throw DataFile.Bad(path, line, "user",
                    $"user '{parts[0]}' was already on line {seen[parts[0]]}; expected one line per user.");
            }

            yield return new UserSequence(parts[0], parts[1..]);
        }
    }
}
