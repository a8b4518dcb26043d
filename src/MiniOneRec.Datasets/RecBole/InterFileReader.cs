using System.Globalization;
using System.Runtime.CompilerServices;

namespace MiniOneRec.Datasets;

/// <summary>Reads RecBole's <c>.inter</c> files: a tab-separated header with types, then an interaction, or a history and its target, per
/// line.</summary>
/// <remarks>
/// Columns are found by name, in any order: <c>user_id:token</c> and <c>item_id:token</c> are needed. With <c>item_id_list:token_seq</c>
/// (ids separated by spaces) a line is a history and its target. Without, it is an interaction, with <c>timestamp:float</c>,
/// <c>rating:float</c> and <c>event_type:token</c> where they are there. Other columns are ignored. A column that comes twice, a cell that
/// is empty, and a number that is not finite or out of range are errors.
/// </remarks>
public static class InterFileReader
{
    private static readonly InterColumns Usual = new();

    /// <summary>Reads a file of histories and targets row by row.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty, lacks a column, or a row is bad; the message names file, line and
    /// column.</exception>
    public static IAsyncEnumerable<NextItemExample> ReadAsync(string path, CancellationToken cancellationToken = default) =>
        ReadAsync(path, null, null, cancellationToken);

    /// <summary>Reads a file of histories and targets row by row, with other limits and column names than the defaults.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="columns">The names of the columns, or <see langword="null"/> for the usual ones.</param>
    /// <param name="limits">How much the file may unpack to and how long a line may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty, lacks a column, or a row is bad; the message names file, line and
    /// column.</exception>
    public static async IAsyncEnumerable<NextItemExample> ReadAsync(
        string path, InterColumns? columns, ReadLimits? limits = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        columns ??= Usual;
        string expected = $"a header with {columns.User}:token, {columns.History}:token_seq and {columns.Item}:token, separated by tabs";
        (int user, int history, int target) = (-1, -1, -1);
        void Find(AtomicHeader header)
        {
            history = header.Require(columns.History, AtomicHeader.TokenSequence, expected);
            (user, target) =
                (header.Require(columns.User, AtomicHeader.Token, expected), header.Require(columns.Item, AtomicHeader.Token, expected));
        }

        await foreach (var row in AtomicTable.ReadAsync(path, "Interaction file", expected, limits, Find, cancellationToken)
            .ConfigureAwait(false))
        {
            yield return new NextItemExample(
                row.Cells[user], row.Cells[history].Split(' ', StringSplitOptions.RemoveEmptyEntries),
                Cell(path, row, target, "an item id"));
        }
    }

    /// <summary>Reads a file of interactions one by one, in the order of the file.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="columns">The names of the columns, or <see langword="null"/> for the usual ones.</param>
    /// <param name="limits">How much the file may unpack to and how long a line may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty, lacks a column, or a row is bad; the message names file, line and
    /// column.</exception>
    public static async IAsyncEnumerable<Interaction> ReadInteractionsAsync(
        string path, InterColumns? columns = null, ReadLimits? limits = null,
        [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var (interaction, _) in ReadTimedAsync(path, columns ?? Usual, limits, cancellationToken).ConfigureAwait(false))
        {
            yield return interaction;
        }
    }

    /// <summary>Reads a file of either kind as one sequence per user.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="columns">The names of the columns, or <see langword="null"/> for the usual ones.</param>
    /// <param name="limits">How much the file may unpack to and how long a line may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <returns>
    /// The users in the order of their first line. Interactions are ordered by time, those of one time and those of a file without times as
    /// in the file; rows of histories are joined to sequences and have no times.
    /// </returns>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty, lacks a column, or a row is bad; the message names file, line and
    /// column.</exception>
    public static async Task<IReadOnlyList<UserSequence>> ReadSequencesAsync(
        string path, InterColumns? columns = null, ReadLimits? limits = null, CancellationToken cancellationToken = default)
    {
        columns ??= Usual;
        if (await HasHistoriesAsync(path, columns, limits, cancellationToken).ConfigureAwait(false))
        {
            var rows = await ReadAsync(path, columns, limits, cancellationToken).ToListAsync(cancellationToken).ConfigureAwait(false);
            return SequenceRebuilder.Rebuild(rows,
                Math.Max(SlidingWindow.DefaultMaxHistory, rows.Select(row => row.History.Count).DefaultIfEmpty().Max()));
        }

        var users = new OrderedDictionary<string, List<(Interaction Interaction, decimal Time)>>(StringComparer.Ordinal);
        await foreach (var timed in ReadTimedAsync(path, columns, limits, cancellationToken).ConfigureAwait(false))
        {
            if (!users.TryGetValue(timed.Interaction.UserId, out var interactions))
            {
                users.Add(timed.Interaction.UserId, interactions = []);
            }

            interactions.Add(timed);
        }

        return [.. users.Select(pair =>
            Sequence(pair.Key, [.. pair.Value.OrderBy(timed => timed.Time).Select(timed => timed.Interaction)]))];
    }

    private static UserSequence Sequence(string user, Interaction[] ordered) =>
        new(user, Array.ConvertAll(ordered, interaction => interaction.ItemId))
    {
        Timestamps = ordered[0].Timestamp is null ? null : Array.ConvertAll(ordered, interaction => interaction.Timestamp ?? 0),
        EventTypes = ordered[0].EventType is null ? null : Array.ConvertAll(ordered, interaction => interaction.EventType ?? ""),
        Weights = ordered[0].Weight is null ? null : Array.ConvertAll(ordered, interaction => interaction.Weight ?? 0),
    };

    private static async Task<bool> HasHistoriesAsync(string path, InterColumns columns, ReadLimits? limits,
        CancellationToken cancellationToken)
    {
        const string Expected = "a header of columns with types, separated by tabs";
        await foreach (var (line, text) in DataFile.ReadLinesAsync(path, "Interaction file", Expected, limits ?? ReadLimits.Default,
            cancellationToken).ConfigureAwait(false))
        {
            return new AtomicHeader(path, line, text).Has(columns.History);
        }

        return false;
    }

    private static async IAsyncEnumerable<(Interaction Interaction, decimal Time)> ReadTimedAsync(
        string path, InterColumns columns, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        string expected = $"a header with {columns.User}:token and {columns.Item}:token, separated by tabs";
        (int user, int item, int time, int weight, int type) = (-1, -1, -1, -1, -1);
        void Find(AtomicHeader header)
        {
            (user, item) =
                (header.Require(columns.User, AtomicHeader.Token, expected), header.Require(columns.Item, AtomicHeader.Token, expected));
            (time, weight) = (header.Find(columns.Time, AtomicHeader.Float), header.Find(columns.Weight, AtomicHeader.Float));
            type = header.Find(columns.EventType, AtomicHeader.Token);
        }

        await foreach (var row in AtomicTable.ReadAsync(path, "Interaction file", expected, limits, Find, cancellationToken)
            .ConfigureAwait(false))
        {
            decimal seconds = time < 0 ? 0 : Seconds(path, row, time);
            yield return (new Interaction(Cell(path, row, user, "a user id"), Cell(path, row, item, "an item id"))
            {
                Timestamp = time < 0 ? null : (long)decimal.Floor(seconds),
                EventType = type < 0 ? null : Cell(path, row, type, "a type"),
                Weight = weight < 0 ? null : Number(path, row, weight),
            }, seconds);
        }
    }

    private static string Cell(string path, AtomicRow row, int place, string expected) => row.Cells[place] is { Length: > 0 } cell ? cell
        : throw DataFile.Bad(path, row.Line, Name(row, place), $"the cell is empty; expected {expected}.");

    private static double Number(string path, AtomicRow row, int place) =>
        double.TryParse(row.Cells[place], NumberStyles.Float, CultureInfo.InvariantCulture, out double number) && double.IsFinite(number)
            ? number
            : throw DataFile.Bad(path, row.Line, Name(row, place),
                $"{DataFile.Show(row.Cells[place])} is no finite number; expected one such as 4.5.");

    // Exact, so that times of many digits keep their order.
    private static decimal Seconds(string path, AtomicRow row, int place) =>
        decimal.TryParse(row.Cells[place], NumberStyles.Float, CultureInfo.InvariantCulture, out decimal seconds)
            && seconds is > long.MinValue and < long.MaxValue
            ? seconds
            : throw DataFile.Bad(path, row.Line, Name(row, place),
                $"{DataFile.Show(row.Cells[place])} is no time; expected Unix seconds such as 1388534400.");

    private static string Name(AtomicRow row, int place) => $"{row.Header.Columns[place].Name}:{row.Header.Columns[place].Type}";
}
