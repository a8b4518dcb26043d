using System.Runtime.CompilerServices;

namespace MiniOneRec.Datasets;

/// <summary>One line of an <c>info</c> file.</summary>
/// <param name="SemanticId">The item's semantic ID.</param>
/// <param name="Title">The item's title.</param>
/// <param name="ItemId">The item.</param>
/// <param name="Line">The one-based line of the file.</param>
internal sealed record InfoRow(SemanticId SemanticId, string Title, string ItemId, long Line);

/// <summary>Reads the reference system's <c>info</c> files: a semantic ID, a title and an item id per line, separated by tabs.</summary>
internal static class InfoFileReader
{
    private const string Expected = "lines of a semantic ID, a title and an item id, separated by tabs";

    /// <summary>Reads lines one by one.</summary>
    /// <param name="path">The file.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or a line is bad; the message names file, line and column.</exception>
    public static IAsyncEnumerable<InfoRow> ReadAsync(string path, CancellationToken cancellationToken = default) =>
        ReadAsync(path, null, cancellationToken);

    /// <summary>Reads lines one by one, with other limits than the defaults.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="limits">How much the file may unpack to and how long a value may be, or <see langword="null"/> for the
    /// defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is bad or above a limit; the message names file, line and column or key.</exception>
    public static async IAsyncEnumerable<InfoRow> ReadAsync(
        string path, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var (line, text) in DataFile.ReadLinesAsync(path, "Info file", Expected, limits ?? ReadLimits.Default,
            cancellationToken).ConfigureAwait(false))
        {
            // Titles may hold tabs; the first and the last cell may not.
            int first = text.IndexOf('\t', StringComparison.Ordinal), last = text.LastIndexOf('\t');
            if (first == last)
            {
                throw DataFile.Bad(path, line, null,
                    $"{(first < 0 ? 1 : 2)} tab-separated cells; expected 3: semantic ID, title, item id.");
            }

            if (!SemanticId.TryParse(text.AsSpan(0, first), out var id))
            {
                throw DataFile.Bad(path, line, "semantic ID",
                    $"{DataFile.Show(text[..first])} is no semantic ID; expected tokens such as <a_12><b_7><c_240>.");
            }

            string item = text[(last + 1)..].Trim();
            if (item.Length == 0)
            {
                throw DataFile.Bad(path, line, "item id", "the cell is empty; expected an item id.");
            }

            yield return new InfoRow(id, text[(first + 1)..last], item, line);
        }
    }
}
