using System.Runtime.CompilerServices;

namespace MiniOneRec.Datasets;

/// <summary>Reads the reference system's <c>train</c>, <c>valid</c> and <c>test</c> CSV files, whose list cells are printed Python
/// lists.</summary>
/// <remarks>
/// Columns are found by name, in any order: <c>user_id</c>, <c>history_item_id</c> and <c>item_id</c> are needed;
/// <c>history_item_title</c>, <c>item_title</c>, <c>history_item_sid</c> and <c>item_sid</c> are read where they are there; others are
/// ignored. Cells are parsed as literals and never evaluated.
/// </remarks>
internal static class ReferenceCsvReader
{
    private const string User = "user_id", HistoryTitle = "history_item_title", Title = "item_title", History = "history_item_id",
        Target = "item_id", HistorySid = "history_item_sid", TargetSid = "item_sid";

    private const string Expected = $"a header with at least {User}, {History} and {Target}";

    /// <summary>Reads rows one by one.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty, lacks a column, or a cell is bad; the message names file, line and
    /// column.</exception>
    public static IAsyncEnumerable<ReferenceCsvRow> ReadAsync(string path, CancellationToken cancellationToken = default) =>
        ReadAsync(path, null, cancellationToken);

    /// <summary>Reads rows one by one, with other limits than the defaults.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="limits">How much the file may unpack to and how long a value may be, or <see langword="null"/> for the
    /// defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is bad or above a limit; the message names file, line and column or key.</exception>
    public static async IAsyncEnumerable<ReferenceCsvRow> ReadAsync(
        string path, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string[]? header = null;
        await foreach (var record in CsvReader.ReadAsync(path, Expected, limits, cancellationToken).ConfigureAwait(false))
        {
            if (header is null)
            {
                header = record.Cells;
                if (header.CountBy(column => column, StringComparer.Ordinal).FirstOrDefault(pair => pair.Value > 1) is { Key: { } twice })
                {
                    throw DataFile.Bad(path, record.Line, twice,
                        $"the header {DataFile.Show(string.Join(',', header))} has it twice; expected each column once.");
                }

                foreach (string column in (string[])[User, History, Target])
                {
                    if (!header.Contains(column))
                    {
                        throw DataFile.Bad(path, record.Line, column,
                            $"the header {DataFile.Show(string.Join(',', header))} lacks it; expected {Expected}.");
                    }
                }

                continue;
            }

            if (record.Cells.Length != header.Length)
            {
                throw DataFile.Bad(path, record.Line, null, $"{record.Cells.Length} cells; expected {header.Length} as in the header.");
            }

            yield return Parse(path, header, record);
        }

        if (header is null)
        {
            throw new InvalidDataException($"CSV file '{path}' is blank; expected {Expected}.");
        }
    }

    private static ReferenceCsvRow Parse(string path, string[] header, CsvRecord record)
    {
        string? Cell(string column) => Array.IndexOf(header, column) is >= 0 and var at ? record.Cells[at] : null;

        List<string> List(string column)
        {
            try
            {
                return Cell(column) is { } text ? PythonLiteral.ParseList(text).ConvertAll(DataFile.Whole) : [];
            }
            catch (FormatException e)
            {
                throw DataFile.Bad(path, record.Line, column, $"{DataFile.Show(Cell(column)!)} is {e.Message}.", e);
            }
        }

        SemanticId Sid(string column, string text) => MiniOneRec.SemanticId.TryParse(text, out var id) ? id
            : throw DataFile.Bad(path, record.Line, column,
                $"{DataFile.Show(text)} is no semantic ID; expected tokens such as <a_12><b_7><c_240>.");

        List<string> ids = List(History), titles = List(HistoryTitle), sids = List(HistorySid);
        if (Cell(HistoryTitle) is not null && titles.Count != ids.Count)
        {
            throw DataFile.Bad(path, record.Line, HistoryTitle,
                $"{titles.Count} titles for {ids.Count} items; expected as many as in '{History}'.");
        }

        if (sids.Count > ids.Count)
        {
            throw DataFile.Bad(path, record.Line, HistorySid,
                $"{sids.Count} semantic IDs for {ids.Count} items; expected at most as many as in '{History}'.");
        }

        return new ReferenceCsvRow
        {
            Line = record.Line,
            UserId = Cell(User)!,
            HistoryItemIds = ids,
            ItemId = Cell(Target) is { Length: > 0 } target ? target
            : throw DataFile.Bad(path, record.Line, Target, "the cell is empty; expected an item id."),
            HistoryTitles = titles,
            Title = Cell(Title) ?? "",
            HistorySemanticIds = sids.ConvertAll(text => Sid(HistorySid, text)),
            SemanticId = Cell(TargetSid) is { Length: > 0 } sid ? Sid(TargetSid, sid) : null,
        };
    }
}
