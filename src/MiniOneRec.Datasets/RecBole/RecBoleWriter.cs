using System.Globalization;
using System.Text;

namespace MiniOneRec.Datasets;

/// <summary>Writes a split data set as RecBole's atomic files, so that its tools can read it.</summary>
/// <remarks>
/// The files are <c>NAME.train.inter</c>, <c>NAME.valid.inter</c> and <c>NAME.test.inter</c> with <c>user_id:token</c>,
/// <c>item_id_list:token_seq</c> and <c>item_id:token</c>, and <c>NAME.item</c> with <c>item_id:token</c>, <c>title:token_seq</c>,
/// <c>brand:token</c> and <c>categories:token_seq</c>. Ids are the original ones. Tabs and line breaks in texts become spaces.
/// </remarks>
public static class RecBoleWriter
{
    /// <summary>Writes a data set that is in memory.</summary>
    /// <param name="data">The data set.</param>
    /// <param name="folder">The folder, which is made where it is missing.</param>
    /// <param name="name">The first part of the files' names, or <see langword="null"/> for the data set's.</param>
    /// <param name="cancellationToken">Stops the writing; files that are not complete are not left behind.</param>
    /// <exception cref="ArgumentException">An id is empty or holds a space, tab or line break, which the format cannot hold.</exception>
    public static Task WriteAsync(SplitDataset data, string folder, string? name = null, CancellationToken cancellationToken = default)
    {
        ArgumentNullException.ThrowIfNull(data);
        return WriteAsync(
            folder, name ?? data.Name, data.Items.ToAsyncEnumerable(), data.Train.ToAsyncEnumerable(), data.Validation.ToAsyncEnumerable(),
            data.Test.ToAsyncEnumerable(), cancellationToken);
    }

    /// <summary>Writes a data set that is streamed.</summary>
    /// <param name="folder">The folder, which is made where it is missing.</param>
    /// <param name="name">The first part of the files' names.</param>
    /// <param name="items">The catalogue.</param>
    /// <param name="train">The training rows.</param>
    /// <param name="validation">The validation rows.</param>
    /// <param name="test">The test rows.</param>
    /// <param name="cancellationToken">Stops the writing; files that are not complete are not left behind.</param>
    /// <exception cref="ArgumentException">An id is empty or holds a space, tab or line break, which the format cannot hold.</exception>
    public static async Task WriteAsync(
        string folder,
        string name,
        IAsyncEnumerable<Item> items,
        IAsyncEnumerable<NextItemExample> train,
        IAsyncEnumerable<NextItemExample> validation,
        IAsyncEnumerable<NextItemExample> test,
        CancellationToken cancellationToken = default)
    {
        ArgumentException.ThrowIfNullOrEmpty(folder);
        ArgumentException.ThrowIfNullOrEmpty(name);
        ArgumentNullException.ThrowIfNull(items);
        const string Rows = "user_id:token\titem_id_list:token_seq\titem_id:token",
            Items = "item_id:token\ttitle:token_seq\tbrand:token\tcategories:token_seq";
        await WriteLinesAsync(folder, name + ".train.inter", Rows, train, Line, cancellationToken).ConfigureAwait(false);
        await WriteLinesAsync(folder, name + ".valid.inter", Rows, validation, Line, cancellationToken).ConfigureAwait(false);
        await WriteLinesAsync(folder, name + ".test.inter", Rows, test, Line, cancellationToken).ConfigureAwait(false);
        await WriteLinesAsync(folder, name + ".item", Items, items, Line, cancellationToken).ConfigureAwait(false);
    }

    private static Task WriteLinesAsync<T>(
        string folder, string file, string header, IAsyncEnumerable<T> rows, Func<T, string> line, CancellationToken cancellationToken) =>
        AtomicFile.WriteAsync(
            Path.Combine(folder, file),
            async stream =>
            {
                var writer = new StreamWriter(stream, new UTF8Encoding(encoderShouldEmitUTF8Identifier: false), 1 << 16,
                    leaveOpen: true) { NewLine = "\n" };
                await using (writer.ConfigureAwait(false))
                {
                    await writer.WriteLineAsync(header).ConfigureAwait(false);
                    await foreach (var row in rows.WithCancellation(cancellationToken).ConfigureAwait(false))
                    {
                        await writer.WriteLineAsync(line(row)).ConfigureAwait(false);
                    }
                }
            },
            cancellationToken);

    private static string Line(NextItemExample row) =>
        string.Create(CultureInfo.InvariantCulture, $"{Id(row.UserId)}\t{string.Join(' ', row.History.Select(Id))}\t{Id(row.Target)}");

    private static string Line(Item item) =>
        $"{Id(item.Id)}\t{Text(item.Title)}\t{Text(item.Brand ?? "")}\t{Text(string.Join(' ', item.Categories))}";

    private static string Id(string id) => id.Length > 0 && !id.AsSpan().ContainsAny(" \t\r\n") ? id
        : throw new ArgumentException(
            $"The id {DataFile.Show(id)} is empty or holds a space, tab or line break; "
            + "RecBole's files separate ids by these. Rename the id first.");

    private static string Text(string text) => text.Replace('\t', ' ').Replace('\n', ' ').Replace('\r', ' ');
}
