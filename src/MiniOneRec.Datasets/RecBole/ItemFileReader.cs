using System.Collections.ObjectModel;
using System.Globalization;
using System.Runtime.CompilerServices;

namespace MiniOneRec.Datasets;

/// <summary>Reads RecBole's <c>.item</c> files: a tab-separated header with types, then an item per line.</summary>
/// <remarks>
/// <c>item_id:token</c> is needed. The title is <c>title</c>, else the first column that ends in <c>_title</c>, else <c>name</c>;
/// description and brand are the columns of these names; the categories are <c>categories</c>, <c>category</c>, <c>genres</c>, <c>genre</c>
/// or <c>class</c>, split at spaces where the type is a sequence, or a printed Python list. All other columns are attributes: numbers of
/// the type float, lists of the sequences, texts of the rest. Empty cells are left out. An item that comes twice is an error.
/// </remarks>
public static class ItemFileReader
{
    private const string Id = "item_id", Expected = $"a header with {Id}:token and, where there are any, title:token_seq and other columns";
    private static readonly string[] CategoryColumns = ["categories", "category", "genres", "genre", "class"];

    /// <summary>Reads items one by one.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="limits">How much the file may unpack to and how long a line may be, or <see langword="null"/> for the defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty, lacks a column, or a row is bad; the message names file, line and
    /// column.</exception>
    public static async IAsyncEnumerable<Item> ReadAsync(
        string path, ReadLimits? limits = null, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        var lines = new Dictionary<string, long>(StringComparer.Ordinal);
        Columns? columns = null;
        await foreach (var row in AtomicTable.ReadAsync(
            path, "Item file", Expected, limits, header => columns = new Columns(header), cancellationToken).ConfigureAwait(false))
        {
            columns ??= new Columns(row.Header);
            string id = row.Cells[columns.Id];
            if (id.Length == 0)
            {
                throw DataFile.Bad(path, row.Line, $"{Id}:token", "the cell is empty; expected an item id.");
            }

            if (!lines.TryAdd(id, row.Line))
            {
                throw DataFile.Bad(path, row.Line, $"{Id}:token",
                    $"item {DataFile.Show(id)} was already on line {lines[id]}; expected each item once.");
            }

            yield return new Item
            {
                Id = id,
                Title = Cell(row, columns.Title) ?? "",
                Description = Cell(row, columns.Description),
                Brand = Cell(row, columns.Brand),
                Categories = Cell(row, columns.Categories) is not { } categories ? []
                    : row.Header.Columns[columns.Categories].Type == AtomicHeader.TokenSequence ? Sequence(categories) : [categories],
                Attributes = Attributes(path, row, columns),
            };
        }

        if (lines.Count == 0)
        {
            throw new InvalidDataException($"Item file '{path}' has a header and no items; expected at least one item.");
        }
    }

    private static string? Cell(AtomicRow row, int place) => place >= 0 && row.Cells[place].Trim() is { Length: > 0 } text ? text : null;

    private static IReadOnlyList<string> Sequence(string text)
    {
        if (text[0] == '[')
        {
            try
            {
                return PythonLiteral.ParseList(text).ConvertAll(DataFile.Whole);
            }
            catch (FormatException)
            {
                // not a printed list after all: a sequence as the format has it
            }
        }

        return text.Split(' ', StringSplitOptions.RemoveEmptyEntries);
    }

    private static IReadOnlyDictionary<string, AttributeValue> Attributes(string path, AtomicRow row, Columns columns)
    {
        if (columns.Others.Count == 0)
        {
            return ReadOnlyDictionary<string, AttributeValue>.Empty;
        }

        var attributes = new Dictionary<string, AttributeValue>(StringComparer.Ordinal);
        foreach (int place in columns.Others)
        {
            if (Cell(row, place) is not { } text)
            {
                continue;
            }

            var (name, type) = row.Header.Columns[place];
            attributes.Add(name, type switch
            {
                AtomicHeader.Float => double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out double number)
                    && double.IsFinite(number) ? number
                    : throw DataFile.Bad(path, row.Line, $"{name}:{type}",
                        $"{DataFile.Show(text)} is no finite number; expected one such as 4.5, or an empty cell."),
                _ when type.EndsWith("_seq", StringComparison.Ordinal) =>
                    new AttributeValue(text.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
                _ => text,
            });
        }

        return attributes;
    }

    /// <summary>Where the columns are that have a place in an item; −1 for those that the file lacks.</summary>
    private sealed class Columns
    {
        public Columns(AtomicHeader header)
        {
            Id = header.Require(ItemFileReader.Id, AtomicHeader.Token, Expected);
            string? title = header.Columns.Select(column => column.Name)
                .OrderBy(name => name == "title" ? 0 : name.EndsWith("_title", StringComparison.Ordinal) ? 1 : name == "name" ? 2 : 3)
                    .First();
            Title = title == "title" || title == "name" || title.EndsWith("_title", StringComparison.Ordinal) ? Text(title) : -1;
            (Description, Brand) = (Text("description"), Text("brand"));
            Categories = CategoryColumns.FirstOrDefault(header.Has) is { } categories ? Text(categories) : -1;
            Others = [.. Enumerable.Range(0, header.Columns.Count).Except([Id, Title, Description, Brand, Categories])];

            int Text(string name) => header.Find(name, AtomicHeader.Token, AtomicHeader.TokenSequence);
        }

        public int Id { get; }

        public int Title { get; }

        public int Description { get; }

        public int Brand { get; }

        public int Categories { get; }

        public IReadOnlyList<int> Others { get; }
    }
}
