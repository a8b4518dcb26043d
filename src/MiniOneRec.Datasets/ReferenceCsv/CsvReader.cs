using System.Runtime.CompilerServices;
using System.Text;

namespace MiniOneRec.Datasets;

/// <summary>One record of a CSV file.</summary>
/// <param name="Line">The one-based line on which it starts.</param>
/// <param name="Cells">Its cells, unquoted.</param>
internal readonly record struct CsvRecord(long Line, string[] Cells);

/// <summary>Streams records of comma-separated values as RFC 4180 defines them: quoted cells may hold commas, line breaks and doubled
/// quotes.</summary>
/// <remarks>Bytes that are no UTF-8 and NUL are read as U+FFFD.</remarks>
internal static class CsvReader
{
    private enum State
    {
        CellStart,
        Plain,
        Quoted,
        QuoteInQuoted,
    }

    public static async IAsyncEnumerable<CsvRecord> ReadAsync(
        string path, string expected, ReadLimits? limits = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        limits ??= ReadLimits.Default;
        using var reader = new StreamReader(DataFile.Open(path, "CSV file", expected, limits), Encoding.UTF8);
        char[] buffer = new char[1 << 15];
        var cell = new StringBuilder();
        var cells = new List<string>();
        var state = State.CellStart;
        long line = 1, start = 1;
        int read, length = 0;                                       // of the record so far
        while ((read = await reader.ReadAsync(buffer, cancellationToken).ConfigureAwait(false)) > 0)
        {
            for (int i = 0; i < read; i++)
            {
                char c = buffer[i] == '\0' ? '\uFFFD' : buffer[i];
                if (++length > limits.MaxValueLength)
                {
                    throw DataFile.TooLong(path, start, "the record", limits);
                }

                if (c == '\uFEFF' && length == 1)
                {
                    continue;                                       // a byte order mark, as in joined files
                }

                if (state == State.Quoted)
                {
                    state = c == '"' ? State.QuoteInQuoted : state;
                    line += c == '\n' ? 1 : 0;
                    if (c != '"')
                    {
                        cell.Append(c);
                    }
                }
                else if (c == '"' && state != State.Plain)
                {
                    if (state == State.QuoteInQuoted)
                    {
                        cell.Append('"');       // a doubled quote is one quote
                    }

                    state = State.Quoted;
                }
                else if (c is ',' or '\n')
                {
                    cells.Add(cell.ToString());
                    cell.Clear();
                    state = State.CellStart;
                    if (c == '\n')
                    {
                        line++;
                        if (cells is not [""])      // a blank line is no record
                        {
                            yield return new CsvRecord(start, [.. cells]);
                        }

                        cells.Clear();
                        (start, length) = (line, 0);
                    }
                }
                else if (c != '\r')
                {
                    if (state == State.QuoteInQuoted)
                    {
                        throw DataFile.Bad(path, line, null,
                            $"'{c}' follows the closing quote of cell {cells.Count + 1}; expected a comma or the end of the line.");
                    }

                    cell.Append(c);
                    state = State.Plain;
                }
            }
        }

        if (state == State.Quoted)
        {
            throw DataFile.Bad(path, start, null,
                $"the quoted cell {cells.Count + 1} is not closed before the end of the file; expected a closing quote.");
        }

        if (cell.Length > 0 || cells.Count > 0)
        {
            cells.Add(cell.ToString());
            yield return new CsvRecord(start, [.. cells]);
        }
    }
}
