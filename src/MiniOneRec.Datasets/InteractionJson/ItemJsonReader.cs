using System.Runtime.CompilerServices;
using System.Text.Json;

namespace MiniOneRec.Datasets;

/// <summary>Reads <c>.item.json</c> files: item id to title, description, brand and categories.</summary>
/// <remarks>
/// All four are optional. Descriptions and categories may be strings, JSON arrays, or Python lists printed into a string; a description is
/// read as joined text. Other keys whose value is a string, a number, a truth value or an array of strings are the item's attributes; the
/// rest is ignored. A key that comes twice is an error, and broken characters are read as U+FFFD.
/// </remarks>
public static class ItemJsonReader
{
    private static readonly HashSet<string> Known = ["title", "description", "brand", "categories"];

    private const string Expected = "a JSON object of item id to an object with title, description, brand and categories";

    /// <summary>Reads items one by one.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is empty or no such object; the message names file, line and key.</exception>
    public static IAsyncEnumerable<Item> ReadAsync(string path, CancellationToken cancellationToken = default) =>
        ReadAsync(path, null, cancellationToken);

    /// <summary>Reads items one by one, with other limits than the defaults.</summary>
    /// <param name="path">The file; <c>.gz</c> is unpacked.</param>
    /// <param name="limits">How much the file may unpack to and how long a value may be, or <see langword="null"/> for the
    /// defaults.</param>
    /// <param name="cancellationToken">Stops the reading.</param>
    /// <exception cref="FileNotFoundException">The file is missing.</exception>
    /// <exception cref="InvalidDataException">The file is bad or above a limit; the message names file, line and column or key.</exception>
    public static async IAsyncEnumerable<Item> ReadAsync(
        string path, ReadLimits? limits, [EnumeratorCancellation] CancellationToken cancellationToken = default)
    {
        await foreach (var member in JsonObjectStream.ReadAsync(path, "Item file", Expected, limits ?? ReadLimits.Default,
            cancellationToken).ConfigureAwait(false))
        {
            if (member.Value.ValueKind != JsonValueKind.Object)
            {
                throw DataFile.Bad(path, member.Line, member.Name,
                    $"{member.Value.ValueKind} {DataFile.Show(member.Value.GetRawText())}; expected an object.");
            }

            var fields = new ItemFields(path, member.Line, member.Value);
            yield return new Item
            {
                Id = member.Name,
                Title = fields.Text("title") ?? "",
                Description = fields.Text("description"),
                Brand = fields.Text("brand"),
                Categories = fields.List("categories"),
                Attributes = fields.Others(Known),
            };
        }
    }
}
