using System.Runtime.CompilerServices;

namespace MiniOneRec.Datasets;

/// <summary>Reads <c>.inter</c> files of atomic rows: a tab-separated header with types, then a user, a history and a target per line.</summary>
/// <remarks>The columns are <c>user_id:token</c>, <c>item_id_list:token_seq</c> (ids separated by spaces) and <c>item_id:token</c>, in any order.</remarks>
public static class InterFileReader
{
    private const string User = "user_id:token", History = "item_id_list:token_seq", Target = "item_id:token";
    private const string Expected = $"a header with {User}, {History} and {Target}";

    /// <summary>Reads rows one by one.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty, lacks a column, or a row is bad; the message names file, line and column.</exception>
    public static async IAsyncEnumerable<NextItemExample> ReadAsync(string path, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        string[]? header = null;
        int user = 0, history = 0, target = 0;
        await foreach (var (line, text) in DataFile.ReadLinesAsync(path, "Interaction file", Expected, cancellationToken).ConfigureAwait(false))
        {
            string[] cells = text.Split('\t');
            if (header is null)
            {
                header = cells;
                (user, history, target) = (Find(User), Find(History), Find(Target));
                continue;

                int Find(string column) => Array.IndexOf(cells, column) is >= 0 and var at ? at
                    : throw DataFile.Bad(path, line, column, $"the header {DataFile.Show(text)} lacks it; expected {Expected}.");
            }

            if (cells.Length != header.Length)
            {
                throw DataFile.Bad(path, line, null, $"{cells.Length} tab-separated cells; expected {header.Length} as in the header.");
            }

            if (cells[target].Length == 0)
            {
                throw DataFile.Bad(path, line, Target, "the cell is empty; expected an item id.");
            }

            yield return new NextItemExample(cells[user], cells[history].Split(' ', StringSplitOptions.RemoveEmptyEntries), cells[target]);
        }
    }
}
